import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exactMean, exactQuotient, exactSum, nearest, units } from './exact.ts'
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from './half.ts'
import { anyFloat64, float32OfBits, Random } from './random.ts'
import { softmax } from './reference/index.ts'
import { ulp, ulpsApart } from './ulp.ts'

const finite = fc.double({ noNaN: true, noDefaultInfinity: true })

describe('exact arithmetic, against what the processor rounds correctly', () => {
  it('rounds a sum of two numbers as the processor does', () => {
    fc.assert(
      fc.property(finite, finite, (a, b) => exactSum([a, b]) + 0 === a + b),
      { numRuns: 2000 },
    )
  })

  it('rounds a quotient of two numbers as the processor does', () => {
    const random = new Random(1)
    for (let i = 0; i < 5000; i++) {
      const a = anyFloat64(random)
      const b = Math.abs(anyFloat64(random))
      if (b === 0) continue
      expect(exactQuotient([a], [b]) + 0).toBe(a / b + 0)
      expect(nearest(units(a), units(b)) + 0).toBe(a / b + 0)
    }
  })

  it('rounds ties to even, in the normal range, below it and at its end', () => {
    expect(exactSum([2 ** 53, 1])).toBe(2 ** 53)
    expect(exactSum([2 ** 53 + 2, 1])).toBe(2 ** 53 + 4)
    expect(exactSum([2 ** 53, 1, 2 ** -1074])).toBe(2 ** 53 + 2)
    expect(exactMean([2 ** -1074, 0])).toBe(0)
    expect(exactMean([3 * 2 ** -1074, 0])).toBe(2 * 2 ** -1074)
    expect(exactSum([Number.MAX_VALUE, 2 ** 969])).toBe(Number.MAX_VALUE)
    expect(exactSum([Number.MAX_VALUE, 2 ** 970])).toBe(Number.POSITIVE_INFINITY)
  })

  it('passes infinities and NaN on', () => {
    expect(exactSum([1, Number.POSITIVE_INFINITY])).toBe(Number.POSITIVE_INFINITY)
    expect(exactMean([Number.NEGATIVE_INFINITY, 1])).toBe(Number.NEGATIVE_INFINITY)
    expect(exactSum([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY])).toBeNaN()
    expect(exactSum([Number.NaN, Number.POSITIVE_INFINITY])).toBeNaN()
    expect(exactMean([])).toBeNaN()
  })
})

describe('half precision', () => {
  it('reads float16 and bfloat16 by their definitions', () => {
    expect(fromFloat16(0x3c00)).toBe(1)
    expect(fromFloat16(0xc000)).toBe(-2)
    expect(fromFloat16(0x7bff)).toBe(65504)
    expect(fromFloat16(0x0001)).toBe(2 ** -24)
    expect(fromFloat16(0x7c00)).toBe(Number.POSITIVE_INFINITY)
    expect(fromFloat16(0x7e00)).toBeNaN()
    // A bfloat16 is the upper half of a float32.
    for (let bits = 0; bits < 0x10000; bits++) expect(fromBfloat16(bits)).toBe(float32OfBits(bits * 0x10000))
  })

  it('writes back every number that it reads', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      if (!Number.isNaN(fromFloat16(bits))) expect(toFloat16(fromFloat16(bits))).toBe(bits)
      if (!Number.isNaN(fromBfloat16(bits))) expect(toBfloat16(fromBfloat16(bits))).toBe(bits)
    }
  })

  it('rounds to the nearest, ties to even, at every midpoint', () => {
    for (const [from, to, top] of [
      [fromFloat16, toFloat16, 0x7bff],
      [fromBfloat16, toBfloat16, 0x7f7f],
    ] as const) {
      for (let bits = 0; bits < top; bits++) {
        const middle = (from(bits) + from(bits + 1)) / 2
        expect(to(middle)).toBe(bits + (bits & 1))
        expect(to(middle * (1 + 2 ** -40))).toBe(bits + 1)
        expect(to(middle * (1 - 2 ** -40))).toBe(bits)
      }
    }
    expect(toFloat16(65519.99)).toBe(0x7bff)
    expect(toFloat16(65520)).toBe(0x7c00)
    expect(toFloat16(-1e300)).toBe(0xfc00)
  })
})

describe('ulps', () => {
  it('are the spacing of the numbers around the truth', () => {
    expect(ulp(1, 'float32')).toBe(2 ** -23)
    expect(ulp(0.99, 'float32')).toBe(2 ** -24)
    expect(ulp(0, 'float32')).toBe(2 ** -149)
    expect(ulp(2 ** 52, 'float64')).toBe(1)
    expect(ulpsApart(1 + 2 ** -23, 1, 'float32')).toBe(1)
    expect(ulpsApart(Number.NaN, Number.NaN, 'float32')).toBe(0)
    expect(ulpsApart(Number.NaN, 1, 'float32')).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('the reference', () => {
  it('has the log-softmax of [1, 2, 3]', () => {
    // log(e^1 + e^2 + e^3) = 3.40760596444438
    const expected = [-2.40760596444438, -1.40760596444438, -0.40760596444438]
    softmax([1, 2, 3]).logs.forEach((log, c) => {
      expect(log).toBeCloseTo(expected[c] as number, 14)
    })
  })

  it('keeps what is small', () => {
    // 1 - p of the larger of two classes that are 50 apart is e^-50 / (1 + e^-50).
    expect(softmax([50, 0]).complements[0]).toBeCloseTo(1.928749847963918e-22, 35)
    expect(softmax([50, 0]).logs[0]).toBeCloseTo(-1.928749847963918e-22, 35)
  })
})
