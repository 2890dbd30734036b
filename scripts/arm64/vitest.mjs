/** One test file with an emulated worker. */

import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { checkout } from './checkout.mjs'

/** Emulated code is this much slower, at most, on a machine that has other work too. */
const SLOWER = 100

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
export async function run(test, leftOut) {
  const start = performance.now()
  const report = join(checkout, '../reports', `${test}.json`)
  rmSync(report, { force: true })
  const { status, output } = await runNode([
    'node_modules/vitest/vitest.mjs',
    'run',
    test,
    '--maxWorkers=1', // other files run beside it
    '--reporter=default',
    '--reporter=json',
    `--outputFile=${report}`,
    `--testTimeout=${SLOWER * 120_000}`,
    `--hookTimeout=${SLOWER * 10_000}`,
    ...(leftOut.length > 0 ? [`--testNamePattern=^(?!(${leftOut.map(quoted).join('|')})$)`] : []),
  ])
  const seconds = Math.round((performance.now() - start) / 1000)
  const success = status === 0
  if (!success) console.log(output)
  const given = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : {}
  const { numPassedTests = 0, numFailedTests = 0, numPendingTests = 0 } = given
  return { success, passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests, seconds }
}

/** @param {readonly string[]} args @returns {Promise<{ status: number | null, output: string }>} */
function runNode(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: checkout, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', text => {
        output += text
      })
    child.on('error', reject).on('close', status => resolve({ status, output }))
  })
}
