/**
 * The test suite on 64-bit Arm, emulated by qemu: vitest runs natively, its workers and whatever they start run emulated.
 *
 * npm run test:arm64 [-- test/bits test/losses/bce.test.ts …]
 *
 * What a file gave is kept, and the file is left out as long as it passed and nothing that it rests on has changed; an interrupted
 * run goes on where it was.
 */

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { binary, checkout, makeCheckout } from './checkout.mjs'

/** Files that cannot run here, and why. */
const cannot = {}

/** Emulated code is this much slower, at most. */
const SLOWER = 20

const kept = join(checkout, '../results.json')
const report = join(checkout, '../report.json')

const files = makeCheckout(console.log)
const named = process.argv.slice(2)
const isNamed = file => named.length === 0 || named.some(name => file.startsWith(name))
const tests = files.filter(file => /^test\/(?!package\/).*\.test\.ts$/.test(file) && isNamed(file))

/** Of the binary, the library, and the folder of the test with what all tests share. */
function contents(test) {
  const places = ['lib/', 'test/support/', `${dirname(test)}/`]
  const read = files.filter(file => places.some(place => file.startsWith(place)))
  const hash = createHash('sha256')
  for (const file of [binary, ...read]) hash.update(file).update(readFileSync(join(checkout, file)))
  return hash.digest('hex')
}

/** Runs one file, in silence unless it fails. */
function run(test) {
  const start = performance.now()
  rmSync(report, { force: true })
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      test,
      '--reporter=default',
      '--reporter=json',
      `--outputFile=${report}`,
      `--testTimeout=${SLOWER * 120_000}`,
      `--hookTimeout=${SLOWER * 10_000}`,
    ],
    { cwd: checkout, env, encoding: 'utf8', maxBuffer: 2 ** 30 },
  )
  const seconds = Math.round((performance.now() - start) / 1000)
  const given = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : { success: false }
  if (!given.success) console.log(`${stdout}${stderr}`)
  const { success, numPassedTests = 0, numFailedTests = 0, numPendingTests = 0 } = given
  return { success, passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests, seconds }
}

const env = {
  ...process.env,
  NODE_OPTIONS: `--import=${new URL('emulated.mjs', import.meta.url)}`,
  // A program that is started directly has to be of this machine.
  ESBUILD_BINARY_PATH: createRequire(import.meta.url).resolve('@esbuild/linux-x64/bin/esbuild'),
}

const results = existsSync(kept) ? JSON.parse(readFileSync(kept, 'utf8')) : {}
const runnable = tests.filter(test => !(test in cannot))
for (const [i, test] of runnable.entries()) {
  const now = contents(test)
  const isKept = results[test]?.success && results[test].contents === now
  if (!isKept) {
    results[test] = { ...run(test), contents: now }
    writeFileSync(kept, `${JSON.stringify(results, null, 2)}\n`)
  }
  const { passed, failed, skipped, seconds } = results[test]
  const counts = [`${passed} passed`, failed > 0 && `${failed} failed`, skipped > 0 && `${skipped} skipped`]
  console.log(
    `[${i + 1}/${runnable.length}] ${test}: ${counts.filter(Boolean).join(', ')}, ${seconds} s${isKept ? ' (before)' : ''}`,
  )
}

const given = runnable.map(test => results[test])
const sum = count => given.reduce((total, result) => total + result[count], 0)
console.log(
  `${runnable.length} files, ${given.filter(({ success }) => !success).length} of them failed: ` +
    `${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped, ${Math.round(sum('seconds') / 60)} minutes`,
)
for (const [file, reason] of Object.entries(cannot))
  if (isNamed(file)) console.log(`not run: ${file}: ${reason}`)
if (given.some(({ success }) => !success)) process.exitCode = 1
