/**
 * The losses with their types forgotten, so that one loop can call all of them, with float32 and with float64. That
 * their types are right is tested elsewhere; here it is the numbers.
 */

import * as losskit from '../../lib/index.ts'
import type { Floats } from './floats.ts'

export type Options = Record<string, unknown>
export type Values = Floats
export interface Gradients {
  readonly pred: Floats
  readonly logits: Floats
  readonly logProbs: Floats
  readonly [key: string]: Floats
}

/** Most losses have two inputs; what is called with a list of inputs is in calls.ts. */
export interface AnyLoss {
  (input: unknown, target: unknown, options: Options & { reduction: 'none' }): Values
  (input: unknown, target: unknown, options?: Options): number
  readonly lossName: string
  /** A metric has no gradients. */
  grad(input: unknown, target: unknown, options?: Options): Gradients
  valueAndGrad(
    input: unknown,
    target: unknown,
    options: Options & { reduction: 'none' },
  ): { value: Values; grad: Gradients }
  valueAndGrad(input: unknown, target: unknown, options?: Options): { value: number; grad: Gradients }
  /** The same forms, each as a promise. */
  readonly async: {
    (input: unknown, target: unknown, options?: Options): Promise<number>
    valueAndGrad(
      input: unknown,
      target: unknown,
      options?: Options,
    ): Promise<{ value: number; grad: Gradients }>
  }
  bind(input: unknown, target: unknown, options?: Options): BoundLoss
  accumulator: {
    (options?: Options): AnyAccumulator
    fromBytes(bytes: Uint8Array, options?: Options): AnyAccumulator
  }
}

export interface BoundLoss {
  (): number
  readonly grad: Gradients
  readonly values: Values
}

export interface AnyAccumulator {
  update(...inputs: unknown[]): this
  merge(other: AnyAccumulator): this
  readonly value: number
  readonly count: number
  toBytes(): Uint8Array
}

const all = losskit as unknown as Record<string, unknown>

function named(name: string): AnyLoss {
  return all[name] as AnyLoss
}

export const mse: AnyLoss = named('mse')
export const mbe: AnyLoss = named('mbe')
export const mae: AnyLoss = named('mae')
export const huber: AnyLoss = named('huber')
export const bce: AnyLoss = named('bce')
export const bceWithLogits: AnyLoss = named('bceWithLogits')
export const crossEntropy: AnyLoss = named('crossEntropy')
export const nll: AnyLoss = named('nll')

/** Every exported function that is a loss, alone or as a member of an object, found by its name tag. */
export function exportedLosses(): AnyLoss[] {
  const isLoss = (value: unknown): value is AnyLoss => typeof value === 'function' && 'lossName' in value
  return Object.values(all).flatMap(value =>
    isLoss(value)
      ? [value]
      : typeof value === 'object' && value !== null
        ? Object.values(value).filter(isLoss)
        : [],
  )
}
