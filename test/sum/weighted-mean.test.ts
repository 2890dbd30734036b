/**
 * The mean over labelled rows divides two exact sums: nll with the values of a column as its terms has their weighted
 * mean, the weights being those of the classes.
 */

import fc from 'fast-check'
import { describe, it } from 'vitest'
import { exactQuotient } from '../support/exact.ts'
import { expectSame } from '../support/expect.ts'
import { FLOATS, floats } from '../support/floats.ts'
import { nll } from '../support/losses.ts'
import type { ComputeType } from '../support/ulp.ts'
import { terms } from './arbitraries.ts'

/** Every value in a row of its own, labelled with class 0, 1 or 2 in turn; the other classes hold nothing of note. */
function rowsOf(type: ComputeType, values: readonly number[]) {
  const data = floats(
    type,
    values.flatMap((value, i) => [0, 1, 2].map(c => (c === i % 3 ? -value : 0))),
  )
  return { logProbs: { data, shape: [values.length, 3] }, labels: Int32Array.from(values, (_, i) => i % 3) }
}

describe.each(FLOATS)('the weighted mean of %s terms', type => {
  const mean = (values: readonly number[], weights: readonly number[]) => {
    const { logProbs, labels } = rowsOf(type, values)
    return nll(logProbs, labels, { weight: floats(type, weights) })
  }

  it('is the quotient of the exact sums, rounded once', () => {
    const weight = fc.integer({ min: -20, max: 20 }).map(e => 2 ** e)
    fc.assert(
      fc.property(terms(type, 60), fc.tuple(weight, weight, weight), (values, weights) => {
        // Powers of two keep products exact, but for what falls out of the type's range.
        const inRange = values.filter(
          value => value === 0 || (Math.abs(value) > 2 ** -100 && Math.abs(value) < 2 ** 100),
        )
        const weighted = inRange.map((value, i) => value * (weights[i % 3] as number))
        const masses = inRange.map((_, i) => weights[i % 3] as number)
        expectSame(mean(inRange, weights), exactQuotient(weighted, masses))
      }),
      { numRuns: 400, seed: 61 },
    )
  })

  it('by weights of many digits is rounded once too', () => {
    const digits = type === 'float32' ? 23 : 52
    const weight = fc
      .tuple(fc.integer({ min: -60, max: 60 }), fc.integer({ min: 0, max: 2 ** 23 - 1 }), fc.boolean())
      .map(([e, m, isShort]) => (isShort ? 1 + (m % 8) : 1 + m * 2 ** -digits) * 2 ** (isShort ? 0 : e))
    const power = fc.integer({ min: -40, max: 40 }).map(e => 2 ** e)
    fc.assert(
      fc.property(fc.array(power, { maxLength: 40 }), fc.tuple(weight, weight, weight), (values, weights) => {
        const weighted = values.map((value, i) => value * (weights[i % 3] as number))
        const masses = values.map((_, i) => weights[i % 3] as number)
        expectSame(mean(values, weights), exactQuotient(weighted, masses))
      }),
      { numRuns: 400, seed: 62 },
    )
  })

  it('breaks ties to even, and what is a hair beyond a tie away from it', () => {
    // Sums over 4 rows of weight 1: a quarter of them meets at 1 + 2^-53.
    const ones = [1, 1, 1]
    expectSame(mean([4, 2 ** -51, 0, 0], ones), 1)
    expectSame(mean([4, 2 ** -51, 2 ** -140, 0], ones), 1 + 2 ** -52)
    expectSame(mean([4, 2 ** -51, -(2 ** -140), 0], ones), 1)
    expectSame(mean([4, 2 ** -50, 2 ** -51, 0], ones), 1 + 2 ** -51)
    expectSame(mean([4, 2 ** -50, 2 ** -51, -(2 ** -140)], ones), 1 + 2 ** -52)
    expectSame(mean([-4, -(2 ** -51), -(2 ** -140), 0], ones), -1 - 2 ** -52)
  })

  it('by weights that no power of two divides is rounded once too', () => {
    // 1 · 3 + 2^-52 · 3 over 3, and over weights 1, 1, 5.
    expectSame(mean([3, 0, 3 * 2 ** -52], [1, 1, 1]), 1 + 2 ** -52)
    expectSame(mean([1, 1, 1], [1, 1, 5]), 1)
    expectSame(mean([7, 0, 0], [1, 1, 5]), 1)
    expectSame(mean([1, 0, 0], [1, 1, 5]), 1 / 7)
  })
})
