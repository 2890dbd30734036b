/** Where losskit comes with a binary. The loader in lib/backend/load.ts names the same files, which a test compares. */

/** @type {(platform: NodeJS.Platform, arch: NodeJS.Architecture, libc?: 'glibc' | 'musl', options?: { hasCuda?: boolean }) => import('./targets.mjs').Target} */
function target(platform, arch, libc, { hasCuda = false } = {}) {
  const place = `${platform}-${arch}`
  return {
    id: libc === undefined ? place : `${place}-${libc}`,
    name: libc === undefined ? place : `${place} (${libc})`,
    platform,
    arch,
    ...(libc === undefined ? {} : { libc }),
    file: `prebuilds/${place}/${libc === undefined ? 'losskit.node' : `losskit.${libc}.node`}`,
    ...(hasCuda ? { cuda: `prebuilds/${place}/liblosskit_cuda.so` } : {}),
  }
}

export const targets = [
  target('linux', 'x64', 'glibc', { hasCuda: true }),
  target('linux', 'arm64', 'glibc'),
  target('linux', 'x64', 'musl'),
  target('linux', 'arm64', 'musl'),
  target('darwin', 'x64'),
  target('darwin', 'arm64'),
  target('win32', 'x64'),
]

export function filesOf({ file, cuda }) {
  return cuda === undefined ? [file] : [file, cuda]
}

export function hostLibc() {
  if (process.platform !== 'linux') return undefined
  return process.report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'glibc'
}

export function isHost({ platform, arch, libc }) {
  return platform === process.platform && arch === process.arch && libc === hostLibc()
}

export function isCrossCompiled({ platform, arch, libc }) {
  return (
    platform === 'linux' &&
    arch === 'arm64' &&
    libc === 'glibc' &&
    process.arch === 'x64' &&
    hostLibc() === 'glibc'
  )
}
