/**
 * Builds this machine's binary twice, from copies of the checkout in two folders, and compares the bytes.
 *
 * npm run check:reproducible   takes as long as two builds
 */

import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isHost, targets } from './prebuild/targets.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'losskit-reproducible-')))
/** Of other lengths and depths, since a path that got in would also move what stands after it. */
const places = [join(scratch, 'one'), join(scratch, 'another', 'and-longer', 'place')]

const target = targets.find(isHost)
if (target === undefined) fail('This machine is none of the targets.')

const listed = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
const sources = execFileSync('git', listed, { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter(file => file !== '' && existsSync(join(root, file)))

/** @param {string} place @returns {Buffer} */
function buildIn(place) {
  for (const file of [...sources, 'node_modules']) {
    cpSync(join(root, file), join(place, file), { recursive: true, verbatimSymlinks: true })
  }
  const build = [join(place, 'scripts', 'prebuild', 'main.mjs'), target.id]
  // Each compiles for itself: what comes from a cache is the same without being made the same.
  const env = { ...process.env, CCACHE_DISABLE: '1' }
  const { status } = spawnSync(process.execPath, build, { cwd: place, env, stdio: 'inherit' })
  if (status !== 0) fail(`The build in ${place} ended with ${status}.`)
  return readFileSync(join(place, target.file))
}

const [one, another] = places.map(buildIn)
if (!one.equals(another)) {
  const at = one.findIndex((byte, i) => byte !== another[i])
  fail(
    `${target.id}: the builds differ from byte ${at < 0 ? one.length : at} on, of ${one.length} and ${another.length}:\n` +
      places.map(place => join(place, target.file)).join('\n'),
  )
}
rmSync(scratch, { recursive: true })
console.log(`${target.id}: twice the same ${one.length} bytes`)
console.log(`sha256 ${createHash('sha256').update(one).digest('hex')}`)

function fail(message) {
  console.error(message)
  process.exit(1)
}
