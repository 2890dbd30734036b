import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'

/** Packages that only a benchmark or an example needs, and that are too large for everyone: in folders of their own. */

/** @param {string} command @param {string[]} args @param {string} cwd */
export function run(command, args, cwd) {
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (error) throw error
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${status}\n${stderr || stdout}`.trim())
}

/**
 * Installs what the lock file of a folder names, unless it is there. Install scripts are skipped: that of onnxruntime-node would
 * download GPU libraries, and its CPU build is in the package.
 *
 * @param {string} folder
 * @param {(text: string) => void} say
 * @param {readonly string[]} flags
 */
export function installApart(folder, say, flags = []) {
  if (
    modified(join(folder, 'node_modules/.package-lock.json')) >= modified(join(folder, 'package-lock.json'))
  )
    return
  say(`installing packages into ${relative('.', folder)} …`)
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', ...flags]
  if (process.env.npm_execpath) run(process.execPath, [process.env.npm_execpath, ...args], folder)
  else run('npm', args, folder)
}

/** @param {string} path modification time, 0 when there is no such file */
const modified = path => (existsSync(path) ? statSync(path).mtimeMs : 0)
