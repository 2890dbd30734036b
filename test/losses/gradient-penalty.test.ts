/** gradientPenalty where numbers are known. */

import { describe, expect, it } from 'vitest'
import { expectAllPrinted, expectAllSame } from '../support/expect.ts'
import { FLOATS, floats, matrix } from '../support/floats.ts'
import { gradientPenalty } from '../support/pair-losses.ts'
import { Random } from '../support/random.ts'

describe.each(FLOATS)('gradientPenalty in %s', type => {
  it('gradientPenalty grows with the distance of the norm from its target', () => {
    const g = matrix(type, [
      [3, 4],
      [0.3, 0.4],
      [0, 0],
      [1, 0],
    ])
    const none = { reduction: 'none' } as const
    expectAllPrinted(gradientPenalty(g, none), ['160', '2.5', '10', '0'], type)
    expectAllPrinted(gradientPenalty(g, { ...none, oneSided: true }), ['160', '0', '0', '0'], type)
    expectAllPrinted(gradientPenalty(g, { ...none, target: 2, lambda: 4 }), ['9', '2.25', '4', '1'], type)
    // 2 lambda (|g| - 1) g / |g|, and 0 for a zero gradient
    expectAllPrinted(
      gradientPenalty.grad(g, none).gradients,
      ['48', '64', '-6', '-8', '0', '0', '0', '0'],
      type,
    )
  })

  it('gradientPenalty takes all dimensions of a sample together', () => {
    const random = new Random(2)
    const data = floats(
      type,
      random.list(24, () => random.normal()),
    )
    const flat = gradientPenalty({ data, shape: [2, 12] }, { reduction: 'none' })
    expectAllSame(gradientPenalty({ data, shape: [2, 3, 2, 2] }, { reduction: 'none' }), flat)
    expect(gradientPenalty(data, { reduction: 'none' }).length).toBe(1)
  })
})
