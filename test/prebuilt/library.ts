/** Shared libraries of a few functions, linked like the addon or with one thing wrong. */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Parts {
  /** Functions that are exported. */
  readonly exports?: readonly string[]
  /** Text that the library holds. */
  readonly text?: string
  /** Options of the linker, in the place of those that every library here is linked with. */
  readonly link?: readonly string[]
  /** What it needs of other libraries: for each, a function, of a version where it has versions. */
  readonly needs?: readonly { readonly library: string; readonly version?: string }[]
}

export const ENTRIES = ['napi_register_module_v1', 'node_api_module_get_api_version_v1']
export const LINK = ['-s', '-Wl,--build-id=none', '-Wl,-z,nodelete']

const compile = (cwd: string, args: readonly string[]) =>
  execFileSync('g++', ['-shared', '-fPIC', ...args], { cwd })

/** The bytes of a library, made in a new folder within `scratch`. */
export function makeLibrary(scratch: string, parts: Parts = {}): Buffer {
  const { exports = ENTRIES, text = '', link = LINK, needs = [] } = parts
  const folder = mkdtempSync(join(scratch, 'library-'))
  const write = (name: string, lines: readonly string[]) =>
    writeFileSync(join(folder, name), lines.join('\n'))
  needs.forEach(({ library, version }, i) => {
    write(`needed${i}.cc`, [`extern "C" void needed${i}() {}`])
    write(`needed${i}.map`, [`${version ?? ''} { global: needed${i}; local: *; };`])
    const script = `-Wl,--version-script=needed${i}.map`
    compile(folder, [
      '-nostdlib',
      `needed${i}.cc`,
      '-o',
      `libneeded${i}.so`,
      script,
      `-Wl,-soname,${library}`,
    ])
  })
  write('library.cc', [
    `extern "C" const char* const text = ${JSON.stringify(text)};`,
    ...needs.map((_, i) => `extern "C" void needed${i}();`),
    ...exports.map(name => `extern "C" void ${name}() { ${needs.map((_, i) => `needed${i}();`).join(' ')} }`),
  ])
  write('exports.map', [`{ global: ${exports.map(name => `${name};`).join(' ')} local: *; };`])
  const libraries = needs.map((_, i) => `libneeded${i}.so`)
  const script = '-Wl,--version-script=exports.map'
  // Without the system's own libraries, so that it needs what it is told to and nothing else.
  compile(folder, ['-nostdlib', 'library.cc', ...libraries, '-o', 'library.node', script, ...link])
  return readFileSync(join(folder, 'library.node'))
}
