/** siameseTriplet against the double sum written out in float64. */

import { describe, expect, it } from 'vitest'
import { siameseTriplet } from '../../lib/index.ts'
import { told } from '../lib/thrown.ts'
import {
  expectAllNear,
  expectAllPrinted,
  expectAllSame,
  expectAllUlps,
  expectPrinted,
} from '../support/expect.ts'
import { FLOATS, held } from '../support/floats.ts'
import { Random } from '../support/random.ts'
import { expectOneResult, floats, logOnePlus, mean } from '../support/vectors.ts'

const siameseTruth = (positive: readonly number[], negative: readonly number[]): number[] =>
  positive.map(p => mean(negative.map(n => logOnePlus([n - p]))))

describe.each(FLOATS)('siameseTriplet in %s', type => {
  it('has the published value and gradients (T38)', () => {
    const positive = floats(type, [1, 2])
    const negative = floats(type, [0, -1, 0.5])
    const { value, grad } = siameseTriplet.valueAndGrad(positive, negative)
    expectPrinted(value, '0.215199221', type)
    expectAllPrinted(grad.positive, ['-0.127614169', '-0.058175720'], type)
    expectAllPrinted(grad.negative, ['0.064690724', '0.027771466', '0.093327699'], type)
  })

  it('neither overflows nor loses small values (T38)', () => {
    expect(siameseTriplet(floats(type, [1000]), floats(type, [0]))).toBe(0)
    expect(siameseTriplet(floats(type, [0]), floats(type, [1000]))).toBe(1000)
    const values = siameseTriplet(floats(type, [50]), floats(type, [0, 0, 0]), { reduction: 'none' })
    expectAllUlps(values, [Math.exp(-50)], type, 4)
  })

  it.each([
    [1, 1],
    [3, 5],
    [17, 16],
    [33, 1000],
    [300, 47],
  ])('is the mean over the negatives, for %i positives and %i negatives', (rows, others) => {
    const random = new Random(rows)
    const positive = held(
      type,
      random.list(rows, () => 3 * random.normal()),
    )
    const negative = held(
      type,
      random.list(others, () => 3 * random.normal()),
    )
    const upstream = held(
      type,
      random.list(rows, () => random.normal()),
    )
    const { value, grad } = siameseTriplet.valueAndGrad(floats(type, positive), floats(type, negative), {
      reduction: 'none',
      upstream: floats(type, upstream),
    })
    expectAllUlps(value, siameseTruth(positive, negative), type, type === 'float32' ? 1 : 200)
    const logistic = (d: number) => 1 / (1 + Math.exp(-d))
    const byPositive = positive.map(
      (p, i) => -(upstream[i] as number) * mean(negative.map(n => logistic(n - p))),
    )
    const byNegative = negative.map(
      n => positive.reduce((sum, p, i) => sum + (upstream[i] as number) * logistic(n - p), 0) / others,
    )
    expectAllNear(grad.positive, byPositive, type, type === 'float32' ? 1e-6 : 1e-12)
    const scale = byNegative.map(() => Math.sqrt(rows) / others)
    expectAllNear(grad.negative, byNegative, type, type === 'float32' ? 1e-6 : 1e-12, { scale })
  })

  it('has infinite values for infinite scores, and NaN only for NaN and for differences of infinities', () => {
    const none = { reduction: 'none' } as const
    const [high, low] = [floats(type, [Number.POSITIVE_INFINITY]), floats(type, [Number.NEGATIVE_INFINITY])]
    const zero = floats(type, [0, 1])
    expectAllSame(siameseTriplet(high, zero, none), [0])
    expectAllSame(siameseTriplet(low, zero, none), [Number.POSITIVE_INFINITY])
    expectAllSame(siameseTriplet(low, low, none), [Number.NaN])
    expectAllSame(siameseTriplet(floats(type, [0, Number.NaN]), zero, none).subarray(1), [Number.NaN])
    expectAllSame(siameseTriplet.grad(high, zero).positive, [-0])
  })

  it('is the same everywhere', () => {
    const random = new Random(5)
    const positive = floats(
      type,
      random.list(700, () => 5 * random.normal()),
    )
    const negative = floats(
      type,
      random.list(601, () => 5 * random.normal()),
    )
    expectOneResult(() => {
      const { value, grad } = siameseTriplet.valueAndGrad(positive, negative, { reduction: 'none' })
      return [value, grad.positive, grad.negative]
    })
  })
})

describe('siameseTriplet', () => {
  it('of no positives is nothing, and of no negatives NaN', () => {
    const [none, one] = [new Float32Array(0), Float32Array.of(1)]
    expect(siameseTriplet(none, one)).toBeNaN()
    expect(siameseTriplet(none, one, { reduction: 'sum' })).toBe(0)
    expect(siameseTriplet(none, one, { onEmpty: 'zero' })).toBe(0)
    expectAllSame(siameseTriplet.grad(none, one, { reduction: 'sum' }).negative, [0])
    expect(siameseTriplet(one, none)).toBeNaN()
  })

  it('refuses weights, other types and gradients over inputs', () => {
    const one = Float32Array.of(1)
    expect(told(() => siameseTriplet(one, one, { weight: [1] } as never))).toMatch(
      /^ERR_OPTION: siameseTriplet: there is no option weight/,
    )
    expect(told(() => siameseTriplet(one, Float64Array.of(1) as never))).toMatch(
      /^ERR_DTYPE: siameseTriplet: negative is float64/,
    )
    expect(told(() => siameseTriplet(one, { data: Uint16Array.of(1), dtype: 'float16' } as never))).toMatch(
      /^ERR_DTYPE: siameseTriplet: negative is float16, positive is float32/,
    )
    expect(told(() => siameseTriplet.grad(one, Float32Array.of(2), { out: { positive: one } }))).toMatch(
      /^ERR_OVERLAP: siameseTriplet: out.positive shares memory with positive/,
    )
  })
})
