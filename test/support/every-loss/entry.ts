/** What the list of losses says about each of them. */

import type { Floats } from '../floats.ts'
import type { AnyLoss, Options } from '../losses.ts'
import type { Random } from '../random.ts'
import type { Row } from '../reference/index.ts'
import type { ComputeType } from '../ulp.ts'

export interface Tensor {
  readonly data: Floats | Int32Array
  readonly shape: readonly number[]
}

/** What the reference says about a gradient. */
export interface GradientTruth {
  readonly values: number[]
  /** What rounding errors of the gradient are relative to. */
  readonly scale: number[]
  /** What an error may be beyond that, from roundings that the reference names. */
  readonly slack: number[]
}

/** What the reference says about inputs. */
export interface Truth {
  /** Of every sample: its value, and what it adds to the divisor of the mean. */
  readonly values: number[]
  readonly masses: number[]
  /** What each value is divided by before the mean is taken: 1 in nearly every loss. */
  readonly lengths: number[]
  /** What an error of a value may be beyond the ulps of the loss. */
  readonly slack: number[]
  /** By key, with 1 coming in for every value. */
  readonly grads: Readonly<Record<string, GradientTruth>>
}

export interface Batch extends Truth {
  /** In the order of the arguments. */
  readonly inputs: readonly Tensor[]
  /** The options of the loss, with those tensors among them that belong to the batch. */
  readonly options: Options
}

export interface EveryLoss {
  /** The loss, and which options it has. */
  readonly name: string
  readonly lossName: string
  /** Absent while the package does not export it. */
  readonly loss: AnyLoss
  /** Of every gradient: its key, and the position of the input or the name of the option that it belongs to. */
  readonly places: Readonly<Record<string, number | string>>
  /** How far values may be from the reference, which in float64 is itself off by as much. */
  readonly ulps: Readonly<Record<ComputeType, number>>
  /**
   * Whether a value depends on more than its own sample. Otherwise sample i of an input is what stands at i in the dimension
   * that `axes` names.
   */
  readonly coupled: boolean
  readonly axes: readonly number[]
  /** The most samples that a test should ask for, where the work grows faster than they do. */
  readonly atMost: number
  /** Of a batch without samples there is one value, as all samples make one. */
  readonly pools: boolean
  /** Of every input: where the loss has a meaning. */
  readonly ranges: readonly Range[]
  /** Whether a number outside of some range is refused. */
  readonly refuses: boolean
  /** Whether the gradient may be written over its input. */
  readonly inPlace: boolean
  /** Whether there may be a weight for every value. */
  readonly weighs: boolean
  /**
   * Whether slopes of a sample that holds a NaN may be numbers: they are steps, or do not depend on the input, or not on all
   * of the sample.
   */
  readonly steps: boolean
  /** An element of the first input that sample i depends on, near `place`; absent where it depends on what else there is. */
  readonly reads: ((batch: Batch, sample: number, place: number) => number) | undefined
  /**
   * The step of central differences in float64, and how near the gradient is to them: relative, or absolute below 1. NaN
   * where the gradient is, by convention, not the slope of the value.
   */
  readonly differences: { readonly step: number; readonly tolerance: number }
  /** Inputs without corners: what is typical for the loss. */
  batch(random: Random, samples: number, type: ComputeType): Batch
  /** What the reference says about other numbers in the inputs of a batch, with one incoming gradient for each value. */
  truth(batch: Batch, type: ComputeType, upstream?: readonly number[]): Truth
}

export type Range = readonly [low: number, high: number]

export const ANYWHERE: Range = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
export const CHANCES: Range = [0, 1]
export const LOG_CHANCES: Range = [Number.NEGATIVE_INFINITY, 0]
export const POSITIVE: Range = [0, Number.POSITIVE_INFINITY]

export const ULPS: EveryLoss['ulps'] = { float32: 2, float64: 8 }

/** One rounding of float32, or of float64. */
export const roundingOf = (type: ComputeType): number => (type === 'float32' ? 2 ** -24 : 2 ** -53)

/** What a few roundings of float64 leave, relative to the terms of a sum: in the reference, and in the loss. */
export const DOUBLE = 2 ** -50

/** What an entry need not say. */
export const TYPICAL = {
  ulps: ULPS,
  coupled: false,
  atMost: Number.POSITIVE_INFINITY,
  pools: false,
  refuses: false,
  inPlace: true,
  weighs: true,
  steps: false,
  differences: { step: 2 ** -17, tolerance: 2e-9 },
} as const satisfies Partial<EveryLoss>

/** What one rounding in each difference of two logits moves, as the page of the softmax says. */
export function slackOf(rows: readonly Row[], type: ComputeType): { values: number[]; grad: number[] } {
  const rounding = roundingOf(type)
  return {
    values: rows.map(row => rounding * row.moves.value),
    grad: rows.flatMap(row => row.moves.grad.map(move => rounding * move)),
  }
}
