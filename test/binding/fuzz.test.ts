import { describe, expect, it } from 'vitest'
import { addonFile, runProgram } from './process.ts'

describe('the addon, called with anything', () => {
  // A crash ends the program by a signal; a broken promise ends it with code 1 and names seed and round.
  it.each([1, 2, 3, 4])('works or refuses, and never crashes: seed %i', async seed => {
    const ended = await runProgram('fuzz.mjs', addonFile, String(seed), '6000')
    expect(ended).toEqual({ code: 0, signal: null, output: '' })
  })
})
