import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exactMean, exactSum } from '../support/exact.ts'
import { expectSame } from '../support/expect.ts'
import { FLOATS, zeros } from '../support/floats.ts'
import { anyFloat32, anyFloat64, Random } from '../support/random.ts'
import { terms } from './arbitraries.ts'
import { mean, sum } from './exact-sum.ts'

const inf = Number.POSITIVE_INFINITY

describe.each(FLOATS)('the sum of %s terms', type => {
  it('is the exact sum, rounded once to the nearest float64', () => {
    fc.assert(
      fc.property(terms(type, 300), values => expectSame(sum(type, values), exactSum(values))),
      { numRuns: 400, seed: 31 },
    )
  })

  it('does not depend on the order of the terms', () => {
    fc.assert(
      fc.property(terms(type, 200), fc.nat(), (values, seed) => {
        expectSame(sum(type, new Random(seed).shuffle(values)), sum(type, values))
      }),
      { numRuns: 200, seed: 32 },
    )
  })

  it('loses nothing of long lists of every exponent', () => {
    const random = new Random(33)
    const any = type === 'float32' ? anyFloat32 : anyFloat64
    for (const length of [2047, 2048, 2049, 4096, 10_000, 70_000]) {
      const values = random.list(length, () => any(random))
      expectSame(sum(type, values), exactSum(values))
      expectSame(mean(type, values), exactMean(values))
    }
  })

  it('loses nothing of blocks whose exponents are a given distance apart', () => {
    const random = new Random(34)
    const [low, high] = type === 'float32' ? [-149, 127] : [-1074, 1023]
    for (let distance = 0; distance <= high - low; distance += type === 'float32' ? 3 : 41) {
      const top = low + distance + random.integer(high - low - distance + 1)
      const values = random.list(2500, () => {
        const exponent = top - random.integer(distance + 1)
        const significand = exponent - 23 < low ? 1 : 1 + random.integer(2 ** 23) * 2 ** -23
        return (random.integer(2) === 0 ? 1 : -1) * significand * 2 ** exponent
      })
      values[0] = 2 ** top
      values[2499] = 2 ** (top - distance)
      expectSame(sum(type, values), exactSum(values), `sum over a distance of ${distance}`)
    }
  })

  it('keeps a one beside 1e30 that comes and goes', () => {
    expectSame(sum(type, [1e30, 1, -1e30]), 1)
    expectSame(sum(type, [1, 1e30, -1e30, 2 ** -100]), 1)
    expectSame(sum(type, [2 ** 127, 2 ** -149, -(2 ** 127)]), 2 ** -149)
  })

  it('keeps subnormal terms', () => {
    const smallest = type === 'float32' ? 2 ** -149 : 2 ** -1074
    expectSame(sum(type, new Array(5000).fill(smallest)), 5000 * smallest)
    expectSame(sum(type, [smallest, -smallest]), 0)
    expectSame(
      sum(type, [...new Array(999).fill(-smallest), 2 ** -100]),
      exactSum([...new Array(999).fill(-smallest), 2 ** -100]),
    )
  })

  it('of all terms equal is their number times one of them, beyond 2^24 too', () => {
    const length = 2 ** 24 + 5
    expectSame(sum(type, zeros(type, length).fill(1)), length)
    const third = type === 'float32' ? Math.fround(1 / 3) : 1 / 3
    expectSame(mean(type, zeros(type, 2 ** 20 + 7).fill(third)), third)
  })

  it('breaks ties to even, and what is a hair beyond a tie away from it', () => {
    // Units of the last place of a float64 at 1 are 2^-52; the terms meet at 1 + k · 2^-53.
    const hair = type === 'float32' ? 2 ** -149 : 2 ** -1074
    expectSame(sum(type, [1, 2 ** -53]), 1)
    expectSame(sum(type, [1, 2 ** -53, hair]), 1 + 2 ** -52)
    expectSame(sum(type, [1, 2 ** -53, -hair]), 1)
    expectSame(sum(type, [1, 2 ** -52, 2 ** -53]), 1 + 2 ** -51)
    expectSame(sum(type, [1, 2 ** -52, 2 ** -53, -hair]), 1 + 2 ** -52)
    expectSame(sum(type, [-1, -(2 ** -53)]), -1)
    expectSame(sum(type, [-1, -(2 ** -53), -hair]), -1 - 2 ** -52)
    expectSame(sum(type, [2, -(2 ** -53)]), 2)
    expectSame(sum(type, [2, -(2 ** -53), -hair]), 2 - 2 ** -52)
  })

  it('carries through long runs of ones', () => {
    for (const [top, bottom] of [
      [100, -100],
      [64, 0],
      [63, -1],
      [1, -149],
      [127, 40],
    ] as const) {
      const run = Array.from({ length: top - bottom + 1 }, (_, i) => 2 ** (bottom + i))
      // 2^bottom + … + 2^top = 2^(top + 1) - 2^bottom
      expectSame(sum(type, run), exactSum([2 ** top, 2 ** top, -(2 ** bottom)]))
      expectSame(sum(type, [...run, 2 ** bottom]), 2 ** (top + 1))
      expectSame(sum(type, [...run, 2 ** bottom, -(2 ** top), -(2 ** top)]), 0)
      expectSame(
        sum(
          type,
          run.map(x => -x),
        ),
        -exactSum(run),
      )
    }
  })

  it('is NaN with a NaN, infinite with an infinity, NaN with both', () => {
    for (const length of [1, 17, 3000]) {
      for (const place of new Set([0, length >> 1, length - 1])) {
        const ones = new Array(length).fill(1)
        expectSame(sum(type, ones.with(place, Number.NaN)), Number.NaN)
        expectSame(sum(type, ones.with(place, inf)), inf)
        expectSame(sum(type, ones.with(place, -inf)), -inf)
        expectSame(sum(type, [...ones.with(place, inf), -inf]), Number.NaN)
        expectSame(sum(type, [...ones.with(place, -inf), inf]), Number.NaN)
        expectSame(sum(type, [...ones.with(place, inf), Number.NaN]), Number.NaN)
        expectSame(mean(type, ones.with(place, inf)), inf)
        expectSame(mean(type, ones.with(place, -inf)), -inf)
        expectSame(mean(type, ones.with(place, Number.NaN)), Number.NaN)
      }
    }
  })

  it('of nothing, of zeros and of what cancels is 0', () => {
    expectSame(sum(type, []), 0)
    expectSame(sum(type, [0, -0, 0]), 0)
    expectSame(sum(type, [5, -5]), 0)
    expect(Object.is(sum(type, []), 0)).toBe(true)
  })
})

describe.each(FLOATS)('the mean of %s terms', type => {
  it('is the exact quotient, rounded once', () => {
    fc.assert(
      fc.property(terms(type, 200), values => expectSame(mean(type, values), exactMean(values))),
      { numRuns: 400, seed: 41 },
    )
  })

  it('by a divisor of the caller is the exact quotient, rounded once', () => {
    const divisor = fc.oneof(
      fc.integer({ min: 1, max: 2 ** 53 - 1 }),
      fc.double({ min: 2 ** -1074, max: Number.MAX_VALUE, noNaN: true }),
      fc.constantFrom(3, 0.1, 7, 2 ** 53 - 1, 2 ** -1074, Number.MAX_VALUE, 1 + 2 ** -52),
    )
    fc.assert(
      fc.property(terms(type, 60), divisor, (values, by) => {
        expectSame(mean(type, values, by), exactMean(values, by))
      }),
      { numRuns: 600, seed: 42 },
    )
  })

  it('of few terms is the exact quotient too, wherever their digits lie and however many there are', () => {
    const random = new Random(43)
    const [low, high] = type === 'float32' ? [-149, 127] : [-1074, 1023]
    const divisors = [1, 2, 3, 7, 0.1, 2 ** 53 - 1, 2 ** -1000, 2 ** 1000, 2 ** -1074, Number.MAX_VALUE]
    for (let top = low; top <= high; top += type === 'float32' ? 1 : 5) {
      for (const spread of [0, 10, 29, 30, 31, 60, 100, 300]) {
        const values = random.list(1 + random.integer(4), () => {
          const exponent = Math.max(top - random.integer(spread + 1), low)
          const significand = exponent - 23 < low ? 1 : 1 + random.integer(2 ** 23) * 2 ** -23
          return (random.integer(4) === 0 ? -1 : 1) * significand * 2 ** exponent
        })
        expectSame(mean(type, values), exactMean(values))
        expectSame(sum(type, values), exactSum(values))
        const divisor = random.pick(divisors)
        expectSame(mean(type, values, divisor), exactMean(values, divisor), `${values} by ${divisor}`)
      }
    }
  })

  it('is right where sum and quotient rounded one after the other are not', () => {
    // (2^53 + 1) / 3 is an integer; a sum that is rounded first gives 2^53 / 3.
    const values = [2 ** 53, 1, 0]
    expectSame(mean(type, values), 3002399751580331)
    expect(2 ** 53 / 3).not.toBe(3002399751580331)
  })

  it('is right although the sum overflows', () => {
    const largest = type === 'float32' ? (2 - 2 ** -23) * 2 ** 127 : Number.MAX_VALUE
    expectSame(mean(type, [largest, largest, largest]), largest)
    expectSame(mean(type, [-largest, -largest]), -largest)
    expectSame(mean(type, [largest, largest, -largest]), exactMean([largest, largest, -largest]))
  })
})

describe('the sum of float64 terms beyond the largest float64', () => {
  it('is infinite, and comes back when other terms take it back', () => {
    const largest = Number.MAX_VALUE
    expectSame(sum('float64', [largest, largest]), inf)
    expectSame(sum('float64', [-largest, -largest]), -inf)
    expectSame(sum('float64', [largest, largest, -largest]), largest)
    expectSame(sum('float64', [largest, 2 ** 969]), largest)
    expectSame(sum('float64', [largest, 2 ** 970]), inf)
    expectSame(sum('float64', [largest, 2 ** 970, -(2 ** -1074)]), largest)
    expectSame(sum('float64', new Array(100_000).fill(largest)), inf)
    expectSame(mean('float64', new Array(100_000).fill(largest)), largest)
  })
})

describe('the sum of float32 terms beyond the largest float32', () => {
  it('is a float64 like any other', () => {
    const largest = (2 - 2 ** -23) * 2 ** 127
    expectSame(sum('float32', new Array(1000).fill(largest)), 1000 * largest)
  })
})
