/** Losses whose values each depend on one sample: an element, a row, a pair of vectors, a box, an image. */

import { floats } from '../floats.ts'
import type { AnyLoss, Options } from '../losses.ts'
import { exportedLosses } from '../losses.ts'
import type { Random } from '../random.ts'
import { type ElementLoss, ofElement, type Sample } from '../reference/index.ts'
import type { ComputeType } from '../ulp.ts'
import {
  ANYWHERE,
  type Batch,
  DOUBLE,
  type EveryLoss,
  type GradientTruth,
  type Range,
  roundingOf,
  type Tensor,
  type Truth,
  TYPICAL,
} from './entry.ts'

export const find = (lossName: string): AnyLoss =>
  exportedLosses().find(loss => loss.lossName === lossName) as AnyLoss

/** One input of a sample: what is added to the shape, and whether it holds floats. */
export interface Field {
  readonly shape: readonly number[]
  readonly kind: 'float' | 'int'
  /** Key of its gradient, where it has one. */
  readonly key?: string
  /** Where its numbers have a meaning, if not everywhere. */
  readonly range?: Range
}

export const value: Field = { shape: [], kind: 'float' }
export const label: Field = { shape: [], kind: 'int' }
export const within = (range: Range, field: Field = value): Field => ({ ...field, range })
export const withGrad = (key: string, ...shape: number[]): Field => ({ shape, kind: 'float', key })

type Settable = 'ulps' | 'refuses' | 'inPlace' | 'weighs' | 'steps' | 'differences' | 'reads'

export interface Samplewise extends Partial<Pick<EveryLoss, Settable>> {
  readonly name: string
  /** The name of the loss, where `name` says more. */
  readonly lossName?: string
  readonly options?: Options
  readonly fields: readonly Field[]
  /** The numbers of each input of one sample. */
  next(random: Random): readonly (readonly number[])[]
  at(...inputs: number[][]): Sample
}

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

/** What samples say, each of their numbers in its place. */
export function gather(
  samples: readonly Sample[],
  keys: readonly string[],
  type: ComputeType,
): Omit<Truth, 'grads'> & { readonly grads: Record<string, GradientTruth> } {
  const rounding = roundingOf(type)
  const grads = keys.map((key, k): [string, GradientTruth] => {
    const values: number[] = []
    const scale: number[] = []
    const slack: number[] = []
    for (const { grads, scales, moves, sizes } of samples) {
      const slopes = grads[k] as readonly number[]
      for (let i = 0; i < slopes.length; i++) {
        const slope = slopes[i] as number
        values.push(slope)
        scale.push(Math.abs(scales?.[k]?.[i] ?? slope))
        slack.push(rounding * (moves?.grads[k]?.[i] ?? 0) + DOUBLE * (sizes?.[k]?.[i] ?? 0))
      }
    }
    return [key, { values, scale, slack }]
  })
  return {
    values: samples.map(sample => sample.value),
    masses: samples.map(sample => sample.mass ?? 1),
    lengths: samples.map(sample => sample.length ?? 1),
    slack: samples.map(sample => rounding * (sample.moves?.value ?? 0) + DOUBLE * (sample.size ?? 0)),
    grads: Object.fromEntries(grads),
  }
}

export const scaled = (truth: GradientTruth, factors: (i: number) => number): GradientTruth => ({
  values: truth.values.map((g, i) => factors(i) * g),
  scale: truth.scale.map((g, i) => Math.abs(factors(i) * g)),
  slack: truth.slack.map((g, i) => Math.abs(factors(i) * g)),
})

export function samplewise(loss: Samplewise): EveryLoss {
  const { name, lossName = name, options = {}, fields, next, at, ...rest } = loss
  const keyed = fields.flatMap(({ key }, position) => (key === undefined ? [] : [{ key, position }]))
  const keys = keyed.map(({ key }) => key)
  const widths = fields.map(({ shape }) => size(shape))

  const truth: EveryLoss['truth'] = ({ inputs }, type, upstream) => {
    const count = inputs[0]?.shape[0] as number
    const samples = Array.from({ length: count }, (_, i) =>
      at(
        ...inputs.map(({ data }, k) => {
          const width = widths[k] as number
          return Array.prototype.slice.call(data, i * width, (i + 1) * width) as number[]
        }),
      ),
    )
    const all = gather(samples, keys, type)
    if (upstream === undefined) return all
    const grads = Object.fromEntries(
      keyed.map(({ key, position }) => [
        key,
        scaled(
          all.grads[key] as GradientTruth,
          i => upstream[Math.floor(i / (widths[position] as number))] as number,
        ),
      ]),
    )
    return { ...all, grads }
  }

  return {
    ...TYPICAL,
    lossName,
    name,
    loss: find(lossName),
    places: Object.fromEntries(keyed.map(({ key, position }) => [key, position])),
    axes: fields.map(() => 0),
    ranges: fields.map(({ range }) => range ?? ANYWHERE),
    reads: (_, sample, place) => sample * (widths[0] as number) + (place % (widths[0] as number)),
    ...rest,
    truth,
    batch(random, samples, type) {
      const drawn = Array.from({ length: samples }, () => next(random))
      const inputs = fields.map(({ shape, kind }, k): Tensor => {
        const numbers = drawn.flatMap(each => each[k] as readonly number[])
        return {
          data: kind === 'int' ? Int32Array.from(numbers) : floats(type, numbers),
          shape: [samples, ...shape],
        }
      })
      return { inputs, options, ...truth({ inputs } as unknown as Batch, type) }
    },
  }
}

interface Elements extends Omit<Samplewise, 'fields' | 'next' | 'at'> {
  /** pred with its gradient, and target, if not given. */
  readonly fields?: readonly Field[]
  next(random: Random): readonly number[]
  readonly at: ElementLoss
}

export function elements({ fields = [withGrad('pred'), value], next, at, ...rest }: Elements): EveryLoss {
  return samplewise({
    ...rest,
    fields,
    next: random => next(random).map(number => [number]),
    at: ofElement(at),
  })
}
