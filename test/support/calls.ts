/** Calls of a loss with its inputs in a list. */

import type { AnyAccumulator, AnyLoss, BoundLoss, Gradients, Options, Values } from './losses.ts'

type Inputs = readonly unknown[]
type Loose = (...given: unknown[]) => unknown
interface Both<Value> {
  readonly value: Value
  readonly grad: Gradients
}

const none = (options: Options): Options => ({ ...options, reduction: 'none' })

/** The mean or the sum. */
export const reduced = (loss: AnyLoss, inputs: Inputs, options?: Options): number =>
  (loss as unknown as Loose)(...inputs, options) as number

/** One value for each sample. */
export const valuesOf = (loss: AnyLoss, inputs: Inputs, options: Options = {}): Values =>
  (loss as unknown as Loose)(...inputs, none(options)) as Values

export const gradOf = (loss: AnyLoss, inputs: Inputs, options?: Options): Gradients =>
  (loss.grad as Loose)(...inputs, options) as Gradients

export const bothOf = (loss: AnyLoss, inputs: Inputs, options?: Options): Both<number> =>
  (loss.valueAndGrad as Loose)(...inputs, options) as Both<number>

/** Values and gradients of every sample; a metric has no gradients. */
export function everyOf(loss: AnyLoss, inputs: Inputs, options: Options = {}): Both<Values> {
  if (loss.valueAndGrad === undefined) {
    return { value: valuesOf(loss, inputs, options), grad: {} as Gradients }
  }
  return (loss.valueAndGrad as Loose)(...inputs, none(options)) as Both<Values>
}

export const reducedLater = (loss: AnyLoss, inputs: Inputs, options?: Options): Promise<number> =>
  (loss.async as unknown as Loose)(...inputs, options) as Promise<number>

export const bothLater = (loss: AnyLoss, inputs: Inputs, options?: Options): Promise<Both<number>> =>
  (loss.async.valueAndGrad as Loose)(...inputs, options) as Promise<Both<number>>

export const bound = (loss: AnyLoss, inputs: Inputs, options: Options = {}): BoundLoss =>
  (loss.bind as Loose)(...inputs, options) as BoundLoss

export const accumulated = (loss: AnyLoss, inputs: Inputs, options?: Options): AnyAccumulator =>
  loss.accumulator(options).update(...inputs)
