import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What the benchmark needs beyond the package itself: the peers from npm, and an addon that measures the machine. */

const here = fileURLToPath(new URL('.', import.meta.url))
const require = createRequire(import.meta.url)

/** @param {string} command @param {string[]} args @param {string} cwd */
function run(command, args, cwd) {
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (error) throw error
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${status}\n${stderr || stdout}`.trim())
}

/** @param {string} path modification time, 0 when there is no such file */
const modified = path => (existsSync(path) ? statSync(path).mtimeMs : 0)

/**
 * Installs the peers unless they are there. Their install scripts are skipped: onnxruntime's would download GPU libraries,
 * and the CPU build is in the package, as SimSIMD's is. So are the optional dependencies, which are SimSIMD's own benchmark.
 *
 * @param {(text: string) => void} say
 */
export function installPeers(say) {
  const peers = join(here, 'peers')
  if (modified(join(peers, 'node_modules/.package-lock.json')) >= modified(join(peers, 'package-lock.json')))
    return
  say('installing the peers into bench/peers …')
  const flags = ['ci', '--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund']
  if (process.env.npm_execpath) run(process.execPath, [process.env.npm_execpath, ...flags], peers)
  else run('npm', flags, peers)
}

/** Builds the addon that measures the machine. @returns {string} its path */
export function buildMachine() {
  const build = join(here, 'machine/build')
  mkdirSync(build, { recursive: true })
  const api = require('node-api-headers').include_dir
  const wrapper = resolve(require.resolve('node-addon-api/package.json'), '..')
  const defines = [
    `-DNODE_API_INCLUDE=${api}`,
    `-DNODE_ADDON_API_INCLUDE=${wrapper}`,
    '-DCMAKE_BUILD_TYPE=Release',
  ]
  run('cmake', ['-S', join(here, 'machine'), '-B', build, ...defines], build)
  run('cmake', ['--build', build], build)
  return join(build, 'machine.node')
}
