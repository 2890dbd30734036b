/** Central differences of the values of a loss, in float64, against what is said to be its gradient. */

import { expect } from 'vitest'
import type { Tensor } from './every-loss/index.ts'

export interface Differences {
  readonly step: number
  /** How near the gradient is to the differences: relative, or absolute below 1. */
  readonly tolerance: number
}

export const USUAL: Differences = { step: 2 ** -17, tolerance: 2e-9 }

/** Values as a function of the numbers of one input. */
export type ValuesOf = (data: Float64Array) => ArrayLike<number>

/**
 * The slope by every number of an input, where its sample alone depends on it: one number of each sample moves at a time, in
 * all samples at once.
 */
export function slopesOfSamples(
  input: Tensor,
  sampleOf: (index: number) => number,
  valuesOf: ValuesOf,
  step: number,
): number[] {
  const slopes = new Array<number>(input.data.length)
  const seen = new Map<number, number>()
  /** The numbers of each sample are moved in the order in which they stand. */
  const turns = Array.from(input.data, (_, i) => {
    const turn = seen.get(sampleOf(i)) ?? 0
    seen.set(sampleOf(i), turn + 1)
    return turn
  })
  const most = Math.max(0, ...seen.values())
  const moved = (turn: number, by: number) =>
    valuesOf(Float64Array.from(input.data, (x, i) => (turns[i] === turn ? x + by : x)))
  for (let turn = 0; turn < most; turn++) {
    const above = moved(turn, step)
    const below = moved(turn, -step)
    turns.forEach((mine, i) => {
      if (mine !== turn) return
      const sample = sampleOf(i)
      slopes[i] = ((above[sample] as number) - (below[sample] as number)) / (2 * step)
    })
  }
  return slopes
}

/** The slope of the sum of all values by every number of an input: one number moves at a time. */
export function slopesOfSum(input: Tensor, valuesOf: ValuesOf, step: number): number[] {
  const total = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0)
  return Array.from(input.data, (_, i) => {
    const moved = (by: number) =>
      total(valuesOf(Float64Array.from(input.data, (x, j) => (i === j ? x + by : x))))
    return (moved(step) - moved(-step)) / (2 * step)
  })
}

/** `size` is that of the values whose difference a slope is. */
export function expectSlopes(
  gradient: ArrayLike<number>,
  slopes: readonly number[],
  size: (index: number) => number,
  { step, tolerance }: Differences,
  what = 'x',
): void {
  expect(gradient.length, `length of the gradient by ${what}`).toBe(slopes.length)
  slopes.forEach((slope, i) => {
    // The difference of two values has their rounding errors, divided by the step.
    const noise = (2 ** -52 * size(i)) / step
    const apart = Math.abs((gradient[i] as number) - slope)
    const allowed = tolerance * Math.max(1, Math.abs(slope)) + 2 * noise
    if (!(apart <= allowed)) {
      expect.fail(`d/d${what}[${i}]: gradient ${gradient[i]}, difference ${slope}, allowed ${allowed}`)
    }
  })
}
