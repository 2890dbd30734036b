import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isAbsolute, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Binding } from '../../binding.js'
import { LosskitLoadError } from '../errors.ts'

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
  if (prebuilt === undefined) {
    const advice = `There are prebuilt files for ${Object.keys(PREBUILT).join(' and ')}. Elsewhere, build from source.`
    throw failure(name, attempts, advice)
  }
  const file = fileURLToPath(new URL(prebuilt.path, import.meta.url))
  const binding = attempt(attempts, file, prebuilt.load)
  if (binding !== undefined) return { binding, file, target }
  throw failure(name, attempts, existsSync(file) ? undefined : MISSING)
}

const MISSING =
  'In a checkout, run `npm run build`. In an installed package the file was lost on the way: install losskit again, ' +
  'and if a bundler packs your program, mark losskit as external.'

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
    return 'Node runs with --no-addons. losskit is an addon: start Node without it.'
  }
  if (/version `(GLIBC|GLIBCXX|CXXABI)_/.test(text)) {
    return `The C or C++ library of this system is too old (glibc ${glibc() ?? 'unknown'}). Update the system, or build from source.`
  }
  if (/cannot open shared object file/.test(text)) {
    return 'The file is there, but a library that it needs is not: install that library.'
  }
  if (/invalid ELF header|file too short|wrong ELF class|not a valid Win32|mach-o/.test(text)) {
    return 'The file was made for another platform: node_modules cannot be copied between platforms. Install again on this one.'
  }
  return undefined
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
}

function libc(): 'glibc' | 'musl' {
  return glibc() === undefined ? 'musl' : 'glibc'
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
