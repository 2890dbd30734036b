/** Every loss that is exported is among those that the tests of this folder walk. */

import { describe, expect, it } from 'vitest'
import { PLANNED_DISCRIMINATORS } from '../support/every-loss/composed.ts'
import { PLANNED } from '../support/every-loss/index.ts'
import { exportedLosses } from '../support/losses.ts'

/** Losses that have a reference and that the package does not export yet. */
const NOT_YET: readonly string[] = []

const described = new Set([...PLANNED, ...PLANNED_DISCRIMINATORS].map(({ lossName }) => lossName)).add('rmse')
const exported = new Set(exportedLosses().map(loss => loss.lossName))

describe('the tests', () => {
  it('walk every loss that is exported', () => {
    expect([...exported].filter(name => !described.has(name))).toEqual([])
  })

  it('leave out no loss but those that are not exported yet', () => {
    expect([...described].filter(name => !exported.has(name) && !NOT_YET.includes(name))).toEqual([])
  })
})
