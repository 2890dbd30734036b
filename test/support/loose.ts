/** Short forms of calls whose types are forgotten, for losses of any number of inputs. */

import * as losskit from '../../lib/index.ts'
import { expectAllNear } from './expect.ts'
import { type Floats, floats } from './floats.ts'
import type { Options } from './losses.ts'

const all = losskit as unknown as Readonly<Record<string, unknown>>

type Form<Result> = (...given: unknown[]) => Result

export interface LooseLoss {
  (...given: unknown[]): unknown
  readonly grad: Form<unknown>
  readonly valueAndGrad: Form<{ value: unknown; grad: Readonly<Record<string, unknown>> }>
  readonly async: Form<Promise<unknown>> & {
    readonly grad: Form<Promise<unknown>>
    readonly valueAndGrad: Form<Promise<unknown>>
  }
  readonly bind: Form<(() => unknown) & { readonly grad: unknown; readonly values: unknown }>
  readonly accumulator: Form<LooseAccumulator> & { readonly fromBytes: Form<LooseAccumulator> }
}

export interface LooseAccumulator {
  update(...given: unknown[]): this
  updateAsync(...given: unknown[]): Promise<this>
  merge(other: unknown): this
  readonly value: number
  readonly count: number
  toBytes(): Uint8Array
}

export function loose(name: keyof typeof losskit): LooseLoss {
  return all[name] as LooseLoss
}

/** A loss that is a member of an exported object. */
export function looseMember(owner: keyof typeof losskit, name: string): LooseLoss {
  return Reflect.get(all[owner] as object, name) as LooseLoss
}

export const meanOf = (loss: LooseLoss, inputs: readonly unknown[], options: Options = {}): number =>
  loss(...inputs, options) as number

export const valuesOf = (loss: LooseLoss, inputs: readonly unknown[], options: Options = {}): Floats =>
  loss(...inputs, { ...options, reduction: 'none' }) as Floats

/** Gradients of the sum: those of each value. */
export const slopesOf = (
  loss: LooseLoss,
  inputs: readonly unknown[],
  options: Options = {},
): Readonly<Record<string, Floats>> =>
  loss.grad(...inputs, { reduction: 'sum', ...options }) as Readonly<Record<string, Floats>>

/** The gradient named `key`, which is that of input `moved`, is the slope that central differences in float64 find. */
export function expectSlopes(
  loss: LooseLoss,
  inputs: readonly (readonly number[])[],
  moved: number,
  key: string,
  options: Options = {},
): void {
  const step = 1e-5
  const at = (by: number) =>
    valuesOf(
      loss,
      inputs.map((input, i) =>
        floats(
          'float64',
          input.map(x => (i === moved ? x + by : x)),
        ),
      ),
      options,
    )
  const [after, before] = [at(step), at(-step)]
  const truth = Array.from(after, (value, i) => (value - (before[i] as number)) / (2 * step))
  const actual = slopesOf(
    loss,
    inputs.map(input => floats('float64', input)),
    options,
  )[key] as Floats
  // What is left of the rounding of values of a few units, divided by the step, and of the third derivative.
  expectAllNear(actual, truth, 'float64', 1e-8, { slack: truth.map(() => 1e-9), what: `slope of ${key}` })
}
