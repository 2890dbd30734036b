import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { countInstructions, mapConcurrently } from './callgrind.mjs'
import { calls } from './calls.mjs'
import { kernels } from './kernels.mjs'

const tools = fileURLToPath(new URL('../../build/tools/', import.meta.url))
const program = fileURLToPath(new URL('calls.mjs', import.meta.url))

/**
 * No compiling beside the program, and the same seeds: V8 then does the same in each run. And room for all that the calls leave
 * behind: whether one collection more falls into the calls that are counted depends on what was made before them.
 */
const settled = [
  '--predictable',
  '--hash-seed=1',
  '--random-seed=1',
  '--min-semi-space-size=32',
  '--max-semi-space-size=32',
]
const env = { LOSSKIT_ISA: 'avx2', LOSSKIT_THREADS: '1' }

/** @param {string[]} kernel arguments of `cost count` */
const ofKernel = kernel =>
  countInstructions([`${tools}cost`, 'count', ...kernel], { within: '*measured_call*' })

/** What twice as many calls cost more, for each: starting Node and optimising is in both. @param {string} name */
async function ofCall(name) {
  const times = calls[name]
  const made = n => countInstructions([process.execPath, ...settled, program, name, String(n)], { env })
  const few = await made(times)
  return Math.round(((await made(2 * times)) - few) / times)
}

/**
 * Counts by name. Calls come first: they take longest.
 *
 * @param {number} workers
 * @returns {Promise<Record<string, number>>}
 */
export async function countAll(workers) {
  const jobs = [
    ...Object.keys(calls).map(name => ({ name, count: () => ofCall(name) })),
    ...kernels.map(kernel => ({ name: kernel.join(' '), count: () => ofKernel(kernel) })),
  ]
  const counts = await mapConcurrently(jobs, workers, ({ count }) => count())
  return Object.fromEntries(jobs.map(({ name }, i) => [name, counts[i]]))
}

/** What else decides how many instructions there are: counts of others are not compared. */
export function toolchain() {
  const cache = readFileSync(`${tools}CMakeCache.txt`, 'utf8')
  const compiler = /^CMAKE_CXX_COMPILER:\w+=(.*)$/m.exec(cache)?.[1] ?? 'c++'
  const version = execFileSync(compiler, ['--version'], { encoding: 'utf8' }).split('\n')[0]
  return { arch: process.arch, compiler: version, node: process.version }
}
