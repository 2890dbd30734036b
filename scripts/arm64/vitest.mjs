/** One test file with emulated workers. */

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { checkout } from './checkout.mjs'

/** Emulated code is this much slower, at most, on a machine that has other work too. */
const SLOWER = 100

const report = join(checkout, '../report.json')
const env = {
  ...process.env,
  NODE_OPTIONS: `--import=${new URL('emulated.mjs', import.meta.url)}`,
  // A program that is started directly has to be of this machine.
  ESBUILD_BINARY_PATH: createRequire(import.meta.url).resolve('@esbuild/linux-x64/bin/esbuild'),
}

const quoted = text => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')

/**
 * Runs a file in silence, unless it fails.
 *
 * @param {string} test @param {readonly string[]} leftOut names of its tests
 */
export function run(test, leftOut) {
  const start = performance.now()
  rmSync(report, { force: true })
  const { status, stdout, stderr } = spawnSync(
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
      ...(leftOut.length > 0 ? [`--testNamePattern=^(?!(${leftOut.map(quoted).join('|')})$)`] : []),
    ],
    { cwd: checkout, env, encoding: 'utf8', maxBuffer: 2 ** 30 },
  )
  const seconds = Math.round((performance.now() - start) / 1000)
  const success = status === 0
  if (!success) console.log(`${stdout}${stderr}`)
  const given = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : {}
  const { numPassedTests = 0, numFailedTests = 0, numPendingTests = 0 } = given
  return { success, passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests, seconds }
}
