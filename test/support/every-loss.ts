/**
 * The losses of the package as a list, each with inputs that it accepts and its reference, for what has to hold for
 * every one of them.
 */

import { type Floats, floats, held, rowsOf } from './floats.ts'
import type { AnyLoss, Options } from './losses.ts'
import * as losskit from './losses.ts'
import type { Random } from './random.ts'
import * as reference from './reference.ts'
import type { ComputeType } from './ulp.ts'

export interface Tensor {
  readonly data: Floats
  readonly shape: readonly number[]
}

/** One batch, and what the reference says about it. */
export interface Batch {
  readonly input: Tensor
  readonly target: unknown
  /** Of every sample: its value, and what it adds to the divisor of the mean. */
  readonly values: number[]
  readonly masses: number[]
  readonly grad: number[]
  /** What rounding errors of the gradient are relative to. */
  readonly scale: number[]
  /** What one rounding of the differences between logits moves the values and the gradient by. */
  readonly slack: { readonly values: number[]; readonly grad: number[] }
}

export interface EveryLoss {
  readonly name: string
  readonly loss: AnyLoss
  /** Key of its gradient. */
  readonly key: string
  readonly options: Options
  /** How far values may be from the reference, which in float64 is itself off by as much. */
  readonly ulps: Readonly<Record<ComputeType, number>>
  /** Elements of the input for one sample. */
  readonly width: number
  /** Inputs without corners: what is typical for the loss. */
  batch(random: Random, samples: number, type: ComputeType): Batch
}

const ULPS = { float32: 2, float64: 8 }

/** The softplus is within 2 ulps; with posWeight, its factor (1 - t) + w t adds three roundings of half an ulp. */
const POS_WEIGHT_ULPS = { float32: 3.5, float64: 8 }

/** One rounding in each difference of two logits, as the page of the softmax says. */
export function slackOf(rows: readonly reference.Row[], type: ComputeType): Batch['slack'] {
  const rounding = type === 'float32' ? 2 ** -24 : 2 ** -53
  return {
    values: rows.map(row => rounding * row.moves.value),
    grad: rows.flatMap(row => row.moves.grad.map(move => rounding * move)),
  }
}

function elements(
  name: string,
  loss: AnyLoss,
  at: reference.ElementLoss,
  next: (random: Random) => [x: number, t: number],
  scale: (x: number, t: number) => number = (x, t) => at(x, t).grad,
  options: Options = {},
  ulps = ULPS,
): EveryLoss {
  return {
    name,
    loss,
    key: 'pred',
    options,
    ulps,
    width: 1,
    batch(random, samples, type) {
      const pairs = Array.from({ length: samples }, () => next(random))
      const x = held(
        type,
        pairs.map(pair => pair[0]),
      )
      const t = held(
        type,
        pairs.map(pair => pair[1]),
      )
      const points = x.map((value, i) => at(value, t[i] as number))
      return {
        input: { data: floats(type, x), shape: [samples] },
        target: floats(type, t),
        values: points.map(point => point.value),
        masses: points.map(() => 1),
        grad: points.map(point => point.grad),
        scale: x.map((value, i) => scale(value, t[i] as number)),
        slack: { values: x.map(() => 0), grad: x.map(() => 0) },
      }
    },
  }
}

function rows(
  name: string,
  loss: AnyLoss,
  key: string,
  classes: number,
  {
    probabilities = false,
    options = {},
    normalise = false,
  }: { probabilities?: boolean; options?: Options; normalise?: boolean },
  at: (row: number[], target: number & number[], type: ComputeType) => reference.Row,
): EveryLoss {
  return {
    name,
    loss,
    key,
    options,
    ulps: ULPS,
    width: classes,
    batch(random, samples, type) {
      const raw = Array.from({ length: samples }, () => random.list(classes, () => 3 * random.normal()))
      const shown = normalise ? raw.map(row => reference.softmax(row).logs) : raw
      const data = floats(type, shown.flat())
      const shape = [samples, classes]
      let target: unknown
      let perRow: (number | number[])[]
      if (probabilities) {
        const q = random.list(samples * classes, () => random.uniform())
        target = { data: floats(type, q), shape }
        perRow = rowsOf(held(type, q), classes)
      } else {
        perRow = random.list(samples, () => (random.integer(5) === 0 ? -100 : random.integer(classes)))
        target = Int32Array.from(perRow as number[])
      }
      const results = rowsOf(data, classes).map((row, r) => at(row, perRow[r] as number & number[], type))
      return {
        input: { data, shape },
        target,
        values: results.map(result => result.value),
        masses: results.map(result => result.mass),
        grad: results.flatMap(result => result.grad),
        scale: results.flatMap(result => result.scale),
        slack: slackOf(results, type),
      }
    },
  }
}

const near = (random: Random): [number, number] => [3 * random.normal(), 3 * random.normal()]
const chances = (random: Random): [number, number] => [
  random.between(0.001, 0.999),
  random.integer(2) === 0 ? random.integer(2) : random.uniform(),
]
const logits = (random: Random): [number, number] => [
  4 * random.normal(),
  random.integer(2) === 0 ? random.integer(2) : random.uniform(),
]
const logitScale =
  (posWeight: number) =>
  (x: number, t: number): number =>
    (1 - t) * reference.sigmoid(x) + posWeight * t * reference.sigmoid(-x)

const CLASS_WEIGHTS = [0.5, 2, 1, 0.25, 3, 1.5, 0.75]

export const EVERY_LOSS: readonly EveryLoss[] = [
  elements('mse', losskit.mse, reference.mse, near),
  elements('mbe', losskit.mbe, reference.mbe, near),
  elements('mae', losskit.mae, reference.mae, near),
  elements('huber', losskit.huber, reference.huber(1), near),
  elements('huber with delta', losskit.huber, reference.huber(2.5), near, undefined, { delta: 2.5 }),
  elements('bce', losskit.bce, reference.bce, chances),
  elements('bceWithLogits', losskit.bceWithLogits, reference.bceWithLogits(), logits, logitScale(1)),
  elements(
    'bceWithLogits with posWeight',
    losskit.bceWithLogits,
    reference.bceWithLogits(3),
    logits,
    logitScale(3),
    { posWeight: 3 },
    POS_WEIGHT_ULPS,
  ),
  rows('crossEntropy', losskit.crossEntropy, 'logits', 5, {}, (row, label) =>
    reference.crossEntropyOfIndex(row, label),
  ),
  rows(
    'crossEntropy with weight and labelSmoothing',
    losskit.crossEntropy,
    'logits',
    7,
    { options: { weight: Float32Array.from(CLASS_WEIGHTS), labelSmoothing: 0.125 } },
    (row, label) =>
      reference.crossEntropyOfIndex(row, label, { weight: CLASS_WEIGHTS, labelSmoothing: 0.125 }),
  ),
  rows(
    'crossEntropy of probabilities',
    losskit.crossEntropy,
    'logits',
    6,
    { probabilities: true },
    (row, q) => reference.crossEntropyOfProbabilities(row, q),
  ),
  rows(
    'crossEntropy of probabilities with weight and labelSmoothing',
    losskit.crossEntropy,
    'logits',
    7,
    { probabilities: true, options: { weight: Float32Array.from(CLASS_WEIGHTS), labelSmoothing: 0.125 } },
    (row, q) =>
      reference.crossEntropyOfProbabilities(row, q, { weight: CLASS_WEIGHTS, labelSmoothing: 0.125 }),
  ),
  rows('nll', losskit.nll, 'logProbs', 5, { normalise: true }, (row, label) => reference.nll(row, label)),
  rows(
    'nll with weight',
    losskit.nll,
    'logProbs',
    7,
    { normalise: true, options: { weight: Float32Array.from(CLASS_WEIGHTS) } },
    (row, label) => reference.nll(row, label, { weight: CLASS_WEIGHTS }),
  ),
]
