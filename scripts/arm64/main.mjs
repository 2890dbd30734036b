/**
 * The test suite on 64-bit Arm, emulated by qemu: vitest runs natively, its workers and whatever they start run emulated.
 *
 * npm run test:arm64 [-- test/bits test/losses/bce.test.ts …]
 *
 * As many files run at once as there are processors. What a file gave is kept, and the file is left out as long as it passed and
 * nothing that it rests on has changed; an interrupted run goes on where it was.
 */

import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { binary, checkout, device, makeCheckout } from './checkout.mjs'
import { limits } from './limits.mjs'
import { run } from './vitest.mjs'

const files = makeCheckout(console.log)
const named = process.argv.slice(2)
const isNamed = file => named.length === 0 || named.some(name => file.startsWith(name))
const tests = files.filter(file => /^test\/(?!package\/).*\.test\.ts$/.test(file) && isNamed(file))

const cannotRun = test => typeof limits[test] === 'string'
const leftOut = test => (cannotRun(test) ? [] : Object.keys(limits[test] ?? {}))

/** Of the binary, the library, and the folder of the test with what all tests share. */
function contents(test) {
  const places = ['lib/', 'test/support/', `${dirname(test)}/`]
  const read = files.filter(file => places.some(place => file.startsWith(place)))
  const hash = createHash('sha256').update(leftOut(test).join())
  const built = test.startsWith('test/cuda/') ? [binary, ...device] : [binary]
  for (const file of [...built, ...read]) hash.update(file).update(readFileSync(join(checkout, file)))
  return hash.digest('hex')
}

const kept = join(checkout, '../results.json')
const results = existsSync(kept) ? JSON.parse(readFileSync(kept, 'utf8')) : {}
const counts = ({ passed, failed, skipped }) => `${passed} passed, ${failed} failed, ${skipped} skipped`

const runnable = tests.filter(test => !cannotRun(test))
const waiting = [...runnable]
let ended = 0

async function runWaiting() {
  for (let test = waiting.shift(); test !== undefined; test = waiting.shift()) {
    const now = contents(test)
    const isKept = results[test]?.success && results[test].contents === now
    if (!isKept) {
      results[test] = { ...(await run(test, leftOut(test))), contents: now }
      writeFileSync(kept, `${JSON.stringify(results, null, 2)}\n`)
    }
    const { success, seconds } = results[test]
    ended++
    const progress = `[${ended}/${runnable.length}] ${success ? '' : 'FAILED '}${test}`
    console.log(`${progress}: ${counts(results[test])}, ${seconds} s${isKept ? ' (before)' : ''}`)
  }
}
await Promise.all(Array.from({ length: availableParallelism() }, runWaiting))

const given = runnable.map(test => results[test])
const isSuccess = given.every(({ success }) => success)
const sum = count => given.reduce((total, result) => total + result[count], 0)
const total = { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') }
console.log(`${given.length} files: ${counts(total)}, ${Math.round(sum('seconds') / 60)} minutes`)
for (const test of runnable) if (!results[test].success) console.log(`failed: ${test}`)
for (const test of tests) {
  if (cannotRun(test)) console.log(`not run: ${test}: ${limits[test]}`)
  for (const name of leftOut(test)) console.log(`not run: ${test}: ${name}: ${limits[test][name]}`)
}
process.exitCode = isSuccess ? 0 : 1
