/** Lists of numbers that are hard to add up. */

import fc from 'fast-check'
import { float32OfBits } from '../support/random.ts'
import type { ComputeType } from '../support/ulp.ts'

/** Any finite number of the type: every exponent is as likely as every other. */
export function anyFinite(type: ComputeType): fc.Arbitrary<number> {
  if (type === 'float64') return fc.double({ noNaN: true, noDefaultInfinity: true })
  return fc
    .integer({ min: 0, max: 2 ** 32 - 1 })
    .map(float32OfBits)
    .filter(Number.isFinite)
}

const LIMITS = {
  float32: { smallest: 2 ** -149, normal: 2 ** -126, largest: (2 - 2 ** -23) * 2 ** 127, step: 2 ** -23 },
  float64: { smallest: 2 ** -1074, normal: 2 ** -1022, largest: Number.MAX_VALUE, step: 2 ** -52 },
}

/** Numbers at the edges of the type and of binades, where carries and ties are. */
export function edges(type: ComputeType): fc.Arbitrary<number> {
  const { smallest, normal, largest, step } = LIMITS[type]
  const powers = type === 'float32' ? { min: -149, max: 127 } : { min: -1074, max: 1023 }
  return fc.oneof(
    fc.constantFrom(
      0,
      -0,
      smallest,
      -smallest,
      normal,
      normal - smallest,
      largest,
      -largest,
      1,
      -1,
      1 + step,
    ),
    fc.integer(powers).map(e => 2 ** e),
    fc.integer(powers).map(e => -(2 ** e)),
    fc
      .tuple(fc.integer({ min: -100, max: 100 }), fc.integer({ min: 1, max: 2 ** 24 - 1 }))
      .map(([e, m]) => m * 2 ** e),
  )
}

/** Numbers of one size, as losses usually are. */
export function ordinary(type: ComputeType): fc.Arbitrary<number> {
  const doubles = fc.double({ min: -100, max: 100, noNaN: true })
  return type === 'float64' ? doubles : doubles.map(Math.fround)
}

export function terms(type: ComputeType, maxLength: number): fc.Arbitrary<number[]> {
  const options = { maxLength, size: 'max' } as const
  return fc.oneof(
    fc.array(anyFinite(type), options),
    fc.array(edges(type), options),
    fc.array(ordinary(type), options),
    // What is added is taken away again, in another order: the sum is what one number leaves behind.
    fc
      .tuple(fc.array(anyFinite(type), options), anyFinite(type))
      .map(([list, rest]) => [...list, rest, ...list.map(value => -value).reverse()]),
  )
}
