import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/**
 * Runs the losskit command: once for the reader, once for its numbers.
 *
 * @param {readonly string[]} args
 * @param {string | URL} folder
 * @returns {Map<string, number>} the value of each loss
 */
export function losskit(args, folder) {
  console.log(`\n$ losskit ${args.join(' ')}`)
  process.stdout.write(output(args, folder))
  /** @type {{ losses: { loss: string, value: number }[] }} */
  const report = JSON.parse(output([...args, '--json'], folder))
  return new Map(report.losses.map(({ loss, value }) => [loss, value]))
}

/** @param {readonly string[]} args @param {string | URL} folder */
function output(args, folder) {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [main, ...args], {
    cwd: folder,
    encoding: 'utf8',
  })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`losskit ended with ${status}: ${stderr.trim()}`)
  return stdout
}
