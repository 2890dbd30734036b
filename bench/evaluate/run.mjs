/** One run of the command, in a process of its own. */

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const watch = new URL('watch.mjs', import.meta.url).href

/**
 * @typedef {object} Run
 * @property {number} seconds
 * @property {number} megabytes  the most that the process took
 * @property {{ losses: { loss: string, value: number, count: number }[], rows: number, fingerprint: string } | undefined} report
 */

/** @param {readonly string[]} args @returns {Run} */
export function losskit(args) {
  const began = performance.now()
  const { status, stdout, stderr, output } = spawnSync(process.execPath, ['--import', watch, main, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const seconds = (performance.now() - began) / 1000
  if (status !== 0) throw new Error(`losskit ${args.join(' ')}: ${stderr}`)
  const report = stdout.trim() === '' ? undefined : JSON.parse(stdout)
  return { seconds, megabytes: Number(output[3]) / 1024, report }
}

/** The middle of some runs by time, with the most memory of any. @param {number} times @param {readonly string[]} args @returns {Run} */
export function median(times, args) {
  const runs = Array.from({ length: times }, () => losskit(args)).sort((a, b) => a.seconds - b.seconds)
  return { ...runs[Math.floor(times / 2)], megabytes: Math.max(...runs.map(run => run.megabytes)) }
}
