/**
 * Builds the binary of one target on its own platform, checks it, and tests the file that will be shipped.
 *
 * npm run prebuild:tested -- linux-x64-glibc
 */

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { isHost, targets } from './targets.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const [id] = process.argv.slice(2)
if (!targets.some(target => target.id === id && isHost(target))) {
  const own = targets.find(isHost)?.id ?? 'none of the targets'
  console.error(
    `Name the target that is this machine, which is ${own}: what is built for another cannot be tested here.`,
  )
  process.exit(2)
}

run('scripts/prebuild/main.mjs', id)
run('scripts/check-prebuilds.mjs', id)
run('scripts/build-lib.mjs')
run('scripts/join-library.mjs')
// The numbers, to the last bit, and lives of processes and threads. The other tests are of JavaScript, or of this checkout.
const tests = ['test/losses', 'test/sum', 'test/bits', 'test/binding']
run('node_modules/vitest/vitest.mjs', 'run', ...tests)

/** @param {string} program @param {string[]} args */
function run(program, ...args) {
  const env = { ...process.env, LOSSKIT_PREBUILDS_ONLY: '1' }
  const { status } = spawnSync(process.execPath, [program, ...args], { cwd: root, env, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
