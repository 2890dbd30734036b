/**
 * The exact sum by itself: mbe with predictions of 0 has the targets as its terms, without a rounding.
 */

import { floats, zeros } from '../support/floats.ts'
import { mbe } from '../support/losses.ts'
import type { ComputeType } from '../support/ulp.ts'

export function sum(type: ComputeType, values: ArrayLike<number>): number {
  return mbe(zeros(type, values.length), floats(type, values), { reduction: 'sum' })
}

export function mean(type: ComputeType, values: ArrayLike<number>, divisor?: number): number {
  return mbe(zeros(type, values.length), floats(type, values), divisor === undefined ? {} : { divisor })
}

export type Accumulator = ReturnType<typeof mbe.accumulator>

export function accumulate(
  type: ComputeType,
  values: ArrayLike<number>,
  into = mbe.accumulator(),
): Accumulator {
  return into.update(zeros(type, values.length), floats(type, values))
}
