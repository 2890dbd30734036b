/** Losses of one number as curves: the value, or the derivative, over the prediction. */

import { descriptionOf } from '../description.ts'
import { entryOf, type LossName, type LossOptions, lossNames } from '../evaluate/catalogue.ts'
import { UsageError } from '../evaluate/errors.ts'

// Not a static import: see the catalogue.
const losskit = (await import('../index.ts')) as unknown as Readonly<Record<string, RowLoss>>

interface RowLoss {
  (pred: Float64Array, target: Float64Array, options: object): Float64Array
  grad(pred: Float64Array, target: Float64Array, options: object): { readonly pred: Float64Array }
}

export interface Curve {
  readonly loss: LossName
  readonly options: LossOptions
}

export interface Range {
  readonly from: number
  readonly to: number
}

export const plottable: readonly LossName[] = lossNames.filter(
  name =>
    entryOf(name).walks === 'elements' &&
    descriptionOf(losskit[name] as RowLoss)?.reductions.includes('none') === true,
)

/** Losses of the difference to the target; the others look at what the target stands for. */
const OF_DIFFERENCE: readonly LossName[] = [
  ...['mse', 'mbe', 'mae', 'huber', 'smoothL1', 'logCosh', 'quantile'],
]

/** Where predictions of a loss lie, if not on both sides of 0. */
const RANGES: Readonly<Record<LossName, Range>> = {
  bce: { from: 0, to: 1 },
  klDiv: { from: -4, to: 0 },
  mape: { from: 0, to: 4 },
  msle: { from: 0, to: 4 },
}

export function usualTarget(losses: readonly LossName[]): number {
  return losses.every(loss => OF_DIFFERENCE.includes(loss)) ? 0 : 1
}

export function usualRange(losses: readonly LossName[]): Range {
  const range = losses.map(loss => RANGES[loss]).find(range => range !== undefined)
  return range ?? { from: -4, to: 4 }
}

/** Every loss with every combination of the values that are given for the options it takes. */
export function curvesOf(
  losses: readonly LossName[],
  lists: Readonly<Record<string, readonly unknown[]>>,
): Curve[] {
  return losses.flatMap(loss => {
    let curves: Curve[] = [{ loss, options: {} }]
    for (const option of Object.keys(entryOf(loss).options)) {
      const values = lists[option]
      if (values === undefined) continue
      curves = curves.flatMap(({ options }) =>
        values.map(value => ({ loss, options: { ...options, [option]: value } })),
      )
    }
    return curves
  })
}

export interface Point {
  readonly x: number
  readonly y: number
}

const STEPS = 400

/** Points of a curve; where the loss is infinite or NaN there is none. */
export function pointsOf(curve: Curve, { from, to }: Range, target: number, derivative: boolean): Point[] {
  const pred = Float64Array.from({ length: STEPS + 1 }, (_, i) => from + ((to - from) * i) / STEPS)
  const values = valuesOf(curve, pred, new Float64Array(pred.length).fill(target), derivative)
  const points = Array.from(pred, (x, i) => ({ x, y: values[i] as number })).filter(({ y }) =>
    Number.isFinite(y),
  )
  if (points.length === 0) {
    throw new UsageError(`${curve.loss} is not finite anywhere from ${from} to ${to} with target ${target}.`)
  }
  return points
}

function valuesOf(
  { loss: name, options }: Curve,
  pred: Float64Array,
  targets: Float64Array,
  derivative: boolean,
) {
  const loss = losskit[name] as RowLoss
  try {
    if (derivative) return loss.grad(pred, targets, { ...options, reduction: 'sum' }).pred
    return loss(pred, targets, { ...options, reduction: 'none' })
  } catch (error) {
    // Here it is the command line that holds the values.
    if (error instanceof Error && 'code' in error && error.code === 'ERR_DOMAIN') {
      throw new UsageError(error.message.replace(/\[\d+\]/, ''))
    }
    throw error
  }
}
