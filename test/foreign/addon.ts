/** The addon of this folder, built as addons usually are: with node-gyp, from its binding.gyp. */

import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

export interface Foreign {
  /** The register of the thread: modes, masks of traps, and flags of what has happened. */
  controlWord(): number
  setControlWord(word: number): void
  /** Throws a C++ exception with this message. */
  throwError(message: string): never
  /** Throws what is no exception. */
  throwNumber(): never
  /** Calls a function from C++ frames with something to unwind. */
  callThrough<T>(act: () => T): T
  /** Holds a reference to an array, for ever. */
  keep(array: Float32Array): void
  kept(index: number): Float32Array
  /** An array over memory of the addon's own, which is overwritten when it is given back. */
  lend(length: number): Float32Array<ArrayBuffer>
  /** How many arrays are lent and not given back. */
  lent(): number
  detach(array: Float32Array): void
}

const require = createRequire(import.meta.url)
const folder = fileURLToPath(new URL('.', import.meta.url))

export const foreignFile: string = fileURLToPath(new URL('build/Release/foreign.node', import.meta.url))

/** Headers are those of npm packages: with this folder for Node's own, node-gyp downloads nothing. */
export function buildForeign(): void {
  const program = require.resolve('node-gyp/bin/node-gyp.js')
  const args = [program, 'configure', 'build', `--nodedir=${folder}`]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })
  if (status !== 0) throw new Error(`node-gyp ended with ${status}\n${stdout}${stderr}`)
}

export const loadForeign = (): Foreign => require(foreignFile) as Foreign
