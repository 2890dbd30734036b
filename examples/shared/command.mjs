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
  console.log(`\n$ losskit ${args.map(arg => (/\s/.test(arg) ? `"${arg}"` : arg)).join(' ')}`)
  process.stdout.write(quietly(args, folder))
  /** @type {{ losses: { loss: string, value: number }[] }} */
  const report = JSON.parse(quietly([...args, '--json'], folder))
  return new Map(report.losses.map(({ loss, value }) => [loss, value]))
}

/**
 * What the command prints.
 *
 * @param {readonly string[]} args
 * @param {string | URL} folder
 */
export function quietly(args, folder) {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [main, ...args], {
    cwd: folder,
    encoding: 'utf8',
  })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`losskit ended with ${status}: ${stderr.trim()}`)
  return stdout
}
