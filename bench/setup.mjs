import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installApart, run } from '../scripts/install-apart.mjs'

/** What the benchmark needs beyond the package itself: the peers from npm, and an addon that measures the machine. */

const here = fileURLToPath(new URL('.', import.meta.url))
const require = createRequire(import.meta.url)

/**
 * Installs the peers unless they are there, without the optional dependencies, which are SimSIMD's own benchmark.
 *
 * @param {(text: string) => void} say
 */
export function installPeers(say) {
  installApart(join(here, 'peers'), say, ['--omit=optional'])
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
