/**
 * How far linearCrossEntropy may be from the truth where its products are those of cuBLAS: logits and their derivatives are
 * rounded to the type of the input, and sums are of float32. The bounds follow the rounding through the formulas.
 */

import { linearCrossEntropy } from '../../lib/index.ts'
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from '../support/half.ts'
import type { Random } from '../support/random.ts'
import { type HostTensor, here, type Numbers } from './loose.ts'

export type Stored = 'float32' | 'float16' | 'bfloat16'

/** Half a unit in the last place of 1, and half the least number above 0. */
const ROUNDING: Readonly<Record<Stored, readonly [relative: number, least: number]>> = {
  float32: [2 ** -24, 2 ** -150],
  float16: [2 ** -11, 2 ** -25],
  bfloat16: [2 ** -8, 2 ** -134],
}

/** Relative to the sum of magnitudes, of a sum of n products in float32 in any order; tensor cores may truncate. */
const ofSum = (n: number) => (n + 4) * 2 ** -23

/** e^x of scores below the greatest, and what is made of it, in float32. */
const OF_SOFTMAX = 2 ** -20

export interface Layer {
  readonly type: Stored
  readonly rows: number
  readonly columns: number
  readonly classes: number
  /** Row by row, as the type holds them. */
  readonly input: Float64Array
  readonly linearWeight: Float64Array
  readonly bias: Float64Array
  readonly target: Int32Array
}

/** Numbers as a type stores them, to upload. */
export function store(type: Stored, numbers: ArrayLike<number>, ...shape: number[]): HostTensor {
  if (type === 'float32') return { data: Float32Array.from(numbers), shape }
  const to = type === 'float16' ? toFloat16 : toBfloat16
  return { data: Uint16Array.from(numbers, to), shape, dtype: type }
}

/** The numbers that are stored. */
export function restore(type: Stored, data: Numbers): Float64Array {
  const from = type === 'float16' ? fromFloat16 : fromBfloat16
  return Float64Array.from(data, number => (data instanceof Uint16Array ? from(number) : number))
}

/** Normally distributed vectors, whose products with the classes are a few units large. */
export function makeLayer(
  random: Random,
  type: Stored,
  rows: number,
  columns: number,
  classes: number,
): Layer {
  const numbers = (n: number, scale: number) => {
    const all = Float64Array.from({ length: n }, () => scale * random.normal())
    return restore(type, store(type, all, n).data as Numbers)
  }
  return {
    type,
    rows,
    columns,
    classes,
    input: numbers(rows * columns, 1),
    linearWeight: numbers(classes * columns, 2 / Math.sqrt(columns)),
    bias: numbers(classes, 1),
    target: Int32Array.from({ length: rows }, () =>
      random.integer(7) === 0 ? -100 : random.integer(classes),
    ),
  }
}

export interface Asked {
  readonly withBias?: boolean
  readonly weight?: Float32Array
  readonly labelSmoothing?: number
  readonly reduction?: 'mean' | 'sum' | 'none'
  readonly upstream?: number | Float32Array
  readonly divisor?: number
}

export interface Bounded {
  readonly truth: Float64Array
  readonly bound: Float64Array
}

/** What a call should give, each number with how far from it it may be. */
export function expected(
  layer: Layer,
  asked: Asked,
): Record<'value' | 'input' | 'linearWeight' | 'bias', Bounded> {
  const { rows, columns, classes, target } = layer
  const { withBias = false, weight, upstream, reduction = 'mean', ...rest } = asked
  const options = {
    ...rest,
    reduction,
    ...(upstream !== undefined && {
      upstream: typeof upstream === 'number' ? upstream : Float64Array.from(upstream),
    }),
    ...(weight && { weight: Float64Array.from(weight) }),
    ...(withBias && { bias: layer.bias }),
  }
  const { value, grad } = here(linearCrossEntropy).valueAndGrad(
    { data: layer.input, shape: [rows, columns] },
    { data: layer.linearWeight, shape: [classes, columns] },
    target,
    options,
  )
  const truths = {
    value: typeof value === 'number' ? Float64Array.of(value) : (value as Float64Array),
    input: grad.input as Float64Array,
    linearWeight: grad.linearWeight as Float64Array,
    bias: withBias ? (grad.bias as Float64Array) : new Float64Array(0),
  }
  return boundsOf(layer, asked, truths)
}

function boundsOf(
  { type, rows, columns, classes, input, linearWeight, bias, target }: Layer,
  { withBias = false, weight, labelSmoothing = 0, reduction = 'mean', upstream = 1, divisor }: Asked,
  truths: Record<'value' | 'input' | 'linearWeight' | 'bias', Float64Array>,
) {
  const [relative, least] = ROUNDING[type]
  const weights = Float64Array.from({ length: classes }, (_, c) => weight?.[c] ?? 1)
  const counted = target.reduce((sum, label) => sum + (label < 0 ? 0 : (weights[label] as number)), 0)
  const all = reduction === 'mean' ? (divisor ?? counted) : 1
  const bounds = {
    value: new Float64Array(reduction === 'none' ? rows : 1),
    input: new Float64Array(rows * columns),
    linearWeight: new Float64Array(classes * columns),
    bias: new Float64Array(withBias ? classes : 0),
  }
  for (let i = 0; i < rows; i++) {
    const label = target[i] as number
    if (label < 0) continue
    const x = input.subarray(i * columns, (i + 1) * columns)
    const scores = new Float64Array(classes)
    let off = 0 // of any score of the row
    for (let c = 0; c < classes; c++) {
      let [sum, magnitude] = withBias ? [bias[c] as number, Math.abs(bias[c] as number)] : [0, 0]
      for (let k = 0; k < columns; k++) {
        const product = (x[k] as number) * (linearWeight[c * columns + k] as number)
        sum += product
        magnitude += Math.abs(product)
      }
      scores[c] = sum
      const error = ofSum(columns) * magnitude
      off = Math.max(off, error + relative * (Math.abs(sum) + error) + least)
    }
    const most = scores.reduce((a, b) => Math.max(a, b))
    const exponentials = scores.map(score => Math.exp(score - most))
    const total = exponentials.reduce((a, b) => a + b)
    const q = weights.map((w, c) => w * ((c === label ? 1 - labelSmoothing : 0) + labelSmoothing / classes))
    const mass = q.reduce((a, b) => a + b)
    const size =
      mass * (most + Math.log(total)) + q.reduce((sum, w, c) => sum + Math.abs(w * (scores[c] as number)), 0)
    const ofValue = 2 * mass * off + OF_SOFTMAX * Math.abs(size)
    if (reduction === 'none') bounds.value[i] = ofValue
    else bounds.value[0] = (bounds.value[0] as number) + ofValue / all

    const scale = Math.abs(typeof upstream === 'number' ? upstream : (upstream[i] as number)) / all
    for (let c = 0; c < classes; c++) {
      const p = (exponentials[c] as number) / total
      const slope = Math.abs(mass * p - (q[c] as number))
      const moved = mass * p * (Math.expm1(2 * off) + OF_SOFTMAX)
      // What all derivatives are multiplied by is not in what is rounded, but for incoming gradients of each row.
      const stored =
        relative * (slope + moved) + least * (typeof upstream === 'number' ? 1 : 1 / (scale || 1))
      const error = scale * (moved + stored)
      for (let k = 0; k < columns; k++) {
        const [w, v] = [Math.abs(linearWeight[c * columns + k] as number), Math.abs(x[k] as number)]
        const at = [i * columns + k, c * columns + k] as const
        bounds.input[at[0]] = (bounds.input[at[0]] as number) + (error + ofSum(classes) * scale * slope) * w
        bounds.linearWeight[at[1]] =
          (bounds.linearWeight[at[1]] as number) + (error + ofSum(rows) * scale * slope) * v
      }
      if (withBias) bounds.bias[c] = (bounds.bias[c] as number) + error
    }
  }
  const whole = (name: keyof typeof bounds, rounding: number, smallest: number): Bounded => ({
    truth: truths[name],
    bound: bounds[name].map(
      (error, i) => error + rounding * (Math.abs(truths[name][i] as number) + error) + smallest,
    ),
  })
  return {
    value: whole('value', 2 ** -24, 0),
    input: whole('input', relative, least),
    linearWeight: whole('linearWeight', relative, least),
    bias: whole('bias', relative, least),
  }
}
