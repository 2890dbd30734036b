import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * Instructions that a program executes under valgrind, all of them or those within a function.
 *
 * @param {string[]} command
 * @param {{ within?: string, env?: Record<string, string> }} [options] `within` is a pattern of the function's name
 * @returns {Promise<number>}
 */
export async function countInstructions(command, { within, env } = {}) {
  const flags = ['--tool=callgrind', '--callgrind-out-file=/dev/null']
  if (within) flags.push(`--toggle-collect=${within}`)
  const { stderr } = await run('valgrind', [...flags, ...command], { env: { ...process.env, ...env } })
  const found = /Collected : (\d+)/.exec(stderr)
  if (!found) throw new Error(`valgrind gave no count:\n${stderr}`)
  return Number(found[1])
}

/** By several at once, in order. @template T, R @param {T[]} items @param {number} workers @param {(item: T) => Promise<R>} work */
export async function mapConcurrently(items, workers, work) {
  /** @type {R[]} */
  const results = []
  let next = 0
  const worker = async () => {
    while (next < items.length) {
      const i = next++
      results[i] = await work(items[i])
    }
  }
  await Promise.all(Array.from({ length: workers }, worker))
  return results
}
