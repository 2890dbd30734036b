import { createRequire } from 'node:module'
import type { Binding } from '../../binding.js'
import { LosskitLoadError } from '../errors.ts'
import { closeSync, existsSync, fileURLToPath, isAbsolute, openSync, readSync, resolve } from '../node.ts'

const require = createRequire(import.meta.url)

/** Relative paths are the same from `lib/backend` and from `dist/backend`. */
const BUILT = '../../build/Release/losskit.node'

/** Every path is written out: bundlers and file tracers follow literal requires only. */
const PREBUILT: Readonly<Record<string, { readonly path: string; readonly load: () => unknown }>> = {
  'linux-x64 (glibc)': {
    path: '../../prebuilds/linux-x64/losskit.glibc.node',
    load: () => require('../../prebuilds/linux-x64/losskit.glibc.node'),
  },
  'linux-arm64 (glibc)': {
    path: '../../prebuilds/linux-arm64/losskit.glibc.node',
    load: () => require('../../prebuilds/linux-arm64/losskit.glibc.node'),
  },
  'linux-x64 (musl)': {
    path: '../../prebuilds/linux-x64/losskit.musl.node',
    load: () => require('../../prebuilds/linux-x64/losskit.musl.node'),
  },
  'linux-arm64 (musl)': {
    path: '../../prebuilds/linux-arm64/losskit.musl.node',
    load: () => require('../../prebuilds/linux-arm64/losskit.musl.node'),
  },
  'darwin-x64': {
    path: '../../prebuilds/darwin-x64/losskit.node',
    load: () => require('../../prebuilds/darwin-x64/losskit.node'),
  },
  'darwin-arm64': {
    path: '../../prebuilds/darwin-arm64/losskit.node',
    load: () => require('../../prebuilds/darwin-arm64/losskit.node'),
  },
  'win32-x64': {
    path: '../../prebuilds/win32-x64/losskit.node',
    load: () => require('../../prebuilds/win32-x64/losskit.node'),
  },
}

export interface Loaded {
  readonly binding: Binding
  /** The file that was loaded. */
  readonly file: string
  /** Platform and architecture, as in `linux-x64`. */
  readonly target: string
}

/**
 * Finds the addon: the file that LOSSKIT_BINARY names and no other; a build in this checkout, unless
 * LOSSKIT_PREBUILDS_ONLY is 1; the prebuilt file of this platform.
 */
export function load(env: NodeJS.ProcessEnv = process.env): Loaded {
  const target = `${process.platform}-${process.arch}`
  const attempts: Attempt[] = []

  if (env.LOSSKIT_BINARY) {
    const file = isAbsolute(env.LOSSKIT_BINARY) ? env.LOSSKIT_BINARY : resolve(env.LOSSKIT_BINARY)
    const binding = attempt(attempts, file, () => require(file))
    if (binding !== undefined) return { binding, file, target }
    throw failure(
      target,
      attempts,
      'LOSSKIT_BINARY names this file. Correct it, or unset it to use the file that comes with losskit.',
    )
  }

  const built = fileURLToPath(new URL(BUILT, import.meta.url))
  if (env.LOSSKIT_PREBUILDS_ONLY !== '1' && existsSync(built)) {
    const binding = attempt(attempts, built, () => require('../../build/Release/losskit.node'))
    if (binding !== undefined) return { binding, file: built, target }
  }

  const name = process.platform === 'linux' ? `${target} (${libc()})` : target
  const prebuilt = PREBUILT[name]
  if (prebuilt === undefined) throw failure(name, attempts, `${itsBinaries()} ${BUILD}`)
  const file = pathOf(prebuilt)
  const binding = attempt(attempts, file, prebuilt.load)
  if (binding !== undefined) return { binding, file, target }
  throw failure(name, attempts, existsSync(file) ? undefined : missing())
}

const BUILD =
  'Build losskit from source on this system and let LOSSKIT_BINARY name the file (README.md, "Build from source").'

function pathOf({ path }: { readonly path: string }): string {
  return fileURLToPath(new URL(path, import.meta.url))
}

/** What is there in this copy of losskit, which may have been made without some of the files. */
function itsBinaries(): string {
  const names = Object.entries(PREBUILT).flatMap(([name, prebuilt]) =>
    existsSync(pathOf(prebuilt)) ? [name] : [],
  )
  return names.length === 0
    ? 'This copy of losskit has no binary.'
    : `This copy of losskit has binaries for ${names.join(', ')} only.`
}

function missing(): string {
  const isLost = Object.values(PREBUILT).every(prebuilt => !existsSync(pathOf(prebuilt)))
  return isLost
    ? 'In a checkout, run `npm run build`. In an installed package the file was lost on the way: install losskit again, ' +
        'and if a bundler packs your program, mark losskit as external.'
    : `${itsBinaries()} ${BUILD}`
}

interface Attempt {
  readonly file: string
  readonly error: unknown
}

function attempt(attempts: Attempt[], file: string, require: () => unknown): Binding | undefined {
  try {
    const binding = require()
    if (isBinding(binding)) return binding
    throw new TypeError('it is a module, but not the addon of losskit')
  } catch (error) {
    attempts.push({ file, error })
    return undefined
  }
}

function isBinding(value: unknown): value is Binding {
  return typeof value === 'object' && value !== null && 'kernels' in value && 'runAsync' in value
}

function failure(target: string, attempts: readonly Attempt[], advice: string | undefined): LosskitLoadError {
  const errors = attempts.map(({ error }) => error)
  const lines = [
    `losskit: cannot load the native addon for ${target}.`,
    ...attempts.map(({ file, error }) => `  ${file}: ${reason(error)}`),
    ...new Set([...errors.map(remedy), advice].filter(line => line !== undefined)),
  ]
  const cause = errors.length > 1 ? new AggregateError(errors, 'every file that was tried failed') : errors[0]
  return new LosskitLoadError(lines.join('\n'), cause === undefined ? undefined : { cause })
}

function reason(error: unknown): string {
  if (codeOf(error) === 'MODULE_NOT_FOUND') return 'there is no such file'
  return error instanceof Error ? error.message : String(error)
}

/** The commonest ways in which a shared library fails to load, and the way out of each. */
function remedy(error: unknown): string | undefined {
  const text = error instanceof Error ? error.message : ''
  if (codeOf(error) === 'ERR_DLOPEN_DISABLED') {
    return 'Node runs with --no-addons, or with --permission and without --allow-addons. losskit is an addon: let Node load it.'
  }
  if (codeOf(error) === 'ERR_ACCESS_DENIED') {
    return 'Node runs with --permission: let it read the folder of losskit with --allow-fs-read, and give it --allow-addons.'
  }
  if (/version `(GLIBC|GLIBCXX|CXXABI)_/.test(text)) {
    return (
      `The C or C++ library of this system is too old: losskit needs glibc 2.28 or later, and here is ${glibc() ?? 'another'}. ` +
      'Update the system, or build from source on it.'
    )
  }
  if (/ld-linux|libc\.so\.6: No such|libc\.musl|Error relocating/.test(text)) {
    return `The file was made for another C library than this system's, which is ${libc()}. Use the one of ${libc()}.`
  }
  if (/failed to map segment/.test(text)) {
    return 'The file lies where the system runs nothing (mounted with noexec). Install losskit elsewhere.'
  }
  if (
    /invalid ELF header|file too short|wrong ELF class|Exec format error|not a valid Win32|mach-o/i.test(text)
  ) {
    return 'The file was made for another platform, or is damaged. Install losskit again, on this platform.'
  }
  if (
    /cannot open shared object file|Error loading shared library|Library not loaded|module could not be found/.test(
      text,
    )
  ) {
    return 'The file is there, but a library that it needs is not: install that library.'
  }
  return undefined
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
}

function libc(): 'glibc' | 'musl' {
  try {
    const start = firstBytes(process.execPath, 2048)
    if (start.includes('/ld-linux')) return 'glibc'
    if (start.includes('/ld-musl')) return 'musl'
  } catch {
    // It may not be read, or names no loader: the report tells, which takes longer.
  }
  return glibc() === undefined ? 'musl' : 'glibc'
}

/** Where a program of Linux names its loader, and so its C library. */
function firstBytes(file: string, count: number): Buffer {
  const bytes = Buffer.alloc(count)
  const descriptor = openSync(file, 'r')
  try {
    readSync(descriptor, bytes)
  } finally {
    closeSync(descriptor)
  }
  return bytes
}

/** The version of glibc, or undefined where the C library is another. */
function glibc(): string | undefined {
  // Without this the report looks up the names of open connections, which can take seconds.
  const report = process.report as typeof process.report & { excludeNetwork?: boolean }
  const { excludeNetwork } = report
  report.excludeNetwork = true
  try {
    const { header } = report.getReport() as { header: { glibcVersionRuntime?: string } }
    return header.glibcVersionRuntime
  } finally {
    if (excludeNetwork !== undefined) report.excludeNetwork = excludeNetwork
  }
}
