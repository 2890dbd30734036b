/** However a process or a worker ends, it ends by itself: no crash, no hang, no busy thread left. */

import { expect, it } from 'vitest'
import { addonFile, runProgram } from './process.ts'

const QUIET = { code: 0, signal: null, output: '' }

it.each([
  'process.exit right after loading',
  'the end of the program right after loading',
  'process.exit right after a call on several threads',
  'asynchronous calls whose arrays nobody else holds',
  'synchronous calls in between asynchronous ones',
  'several workers at once',
  'workers that load the addon first, while the main thread never does',
  'workers that are terminated in the middle of asynchronous calls',
  'workers that exit by themselves in the middle of asynchronous calls',
  'process.exit while workers compute',
  'child processes after the threads have started',
  'a cancelled asynchronous call',
  'idleness after use',
])('survives %s', async scenario => {
  expect(await runProgram('scenarios.mjs', scenario, addonFile)).toEqual(QUIET)
})

it.runIf(process.platform === 'linux')(
  'keeps helpers off the core of their caller, and leaves the caller alone',
  async () => {
    const scenario = 'a pause before a call, whose helpers then keep off the core of the caller'
    expect(await runProgram('scenarios.mjs', scenario, addonFile)).toEqual(QUIET)
  },
)

it.each([0, 1, 3, 10])('survives process.exit %i ms into asynchronous calls', async delay => {
  const scenario = 'process.exit in the middle of asynchronous calls'
  for (let round = 0; round < 3; round++) {
    expect(await runProgram('scenarios.mjs', scenario, addonFile, String(delay))).toEqual(QUIET)
  }
})

it('finishes its asynchronous calls before the program ends', async () => {
  const scenario = 'the end of the program in the middle of asynchronous calls, which are finished'
  expect(await runProgram('scenarios.mjs', scenario, addonFile)).toEqual({ ...QUIET, output: '........' })
})
