import { floats, rowsOf } from '../floats.ts'
import type { Options } from '../losses.ts'
import type { Random } from '../random.ts'
import * as reference from '../reference/index.ts'
import type { ComputeType } from '../ulp.ts'
import {
  ANYWHERE,
  type Batch,
  DOUBLE,
  type EveryLoss,
  type GradientTruth,
  type Tensor,
  TYPICAL,
} from './entry.ts'
import { find } from './samplewise.ts'

const SIZE = 6

interface Coupled {
  readonly name: string
  readonly lossName?: string
  readonly options?: Options
  readonly places: EveryLoss['places']
  inputs(random: Random, samples: number, type: ComputeType): Tensor[]
  /** Tensors among the options. */
  more?(random: Random, samples: number, type: ComputeType): Options
  at(batch: Batch, upstream?: readonly number[]): reference.Whole & { readonly valueSizes?: number[] }
  /** The largest score: a rounding of float64 in it moves a value by as much. */
  readonly largest: number
}

function coupled({
  name,
  lossName = name,
  options = {},
  places,
  inputs,
  more,
  at,
  largest,
}: Coupled): EveryLoss {
  const truth: EveryLoss['truth'] = (batch, _, upstream) => {
    const { values, masses, grads, sizes, valueSizes } = at(batch, upstream)
    const keyed = Object.keys(places).map((key, k): [string, GradientTruth] => [
      key,
      {
        values: grads[k] as number[],
        scale: (grads[k] as number[]).map(Math.abs),
        // A slope has the roundings of its terms, which have those of the scores in their exponents.
        slack: (sizes[k] as number[]).map(size => DOUBLE * (4 + largest) * size),
      },
    ])
    return {
      values,
      masses,
      lengths: values.map(() => 1),
      slack: values.map((_, i) => DOUBLE * (1 + (valueSizes?.[i] ?? largest))),
      grads: Object.fromEntries(keyed),
    }
  }
  return {
    ...TYPICAL,
    name,
    lossName,
    loss: find(lossName),
    places,
    coupled: true,
    axes: [0, 0],
    ranges: [ANYWHERE, ANYWHERE, ANYWHERE],
    atMost: 65,
    inPlace: false,
    weighs: false,
    reads: undefined,
    differences: { step: 2 ** -18, tolerance: 2e-6 },
    truth,
    batch(random, samples, type) {
      const given = inputs(random, samples, type)
      const all = { ...options, ...more?.(random, samples, type) }
      const batch = { inputs: given, options: all } as unknown as Batch
      return { ...truth(batch, type), inputs: given, options: all }
    },
  }
}

const matrix = (random: Random, rows: number, columns: number, type: ComputeType, scale = 1): Tensor => ({
  data: floats(
    type,
    random.list(rows * columns, () => scale * random.normal()),
  ),
  shape: [rows, columns],
})
const scores = (random: Random, count: number, type: ComputeType): Tensor => ({
  data: floats(
    type,
    random.list(count, () => 3 * random.normal()),
  ),
  shape: [count],
})
const integers = (count: number, next: () => number): Tensor => ({
  data: Int32Array.from({ length: count }, next),
  shape: [count],
})

const vectors = (batch: Batch, k: number): number[][] =>
  rowsOf(batch.inputs[k]?.data as ArrayLike<number>, batch.inputs[k]?.shape[1] as number)
const numbers = (batch: Batch, k: number): number[] => Array.from(batch.inputs[k]?.data as ArrayLike<number>)

/** Groups of about three, and a few of one alone. */
const groups = (random: Random, samples: number): Tensor =>
  integers(samples, () => random.integer(Math.max(1, Math.ceil(samples / 3))) - 1)

const CLASS_WEIGHTS = [0.5, 2, 1, 0.25, 3, 1.5, 0.75]

function linear(name: string, options: Options, row: reference.RowOptions, biased: boolean): EveryLoss {
  const classes = 7
  return coupled({
    name,
    lossName: 'linearCrossEntropy',
    options,
    places: biased ? { input: 0, linearWeight: 1, bias: 'bias' } : { input: 0, linearWeight: 1 },
    inputs: (random, samples, type) => [
      matrix(random, samples, SIZE, type),
      matrix(random, classes, SIZE, type),
      integers(samples, () => (random.integer(5) === 0 ? -100 : random.integer(classes))),
    ],
    more: (random, _, type) => (biased ? { bias: scores(random, classes, type).data } : {}),
    at: (batch, upstream) =>
      reference.linearCrossEntropy(
        vectors(batch, 0),
        vectors(batch, 1),
        numbers(batch, 2),
        { ...row, bias: biased ? Array.from(batch.options.bias as Float64Array) : undefined },
        upstream,
      ),
    largest: 64,
  })
}

const cosines = (temperature: number) => ({ largest: 2 / temperature })

export const allPairs: readonly EveryLoss[] = [
  coupled({
    name: 'siameseTriplet',
    places: { positive: 0, negative: 1 },
    inputs: (random, samples, type) => [scores(random, samples, type), scores(random, samples + 3, type)],
    at: (batch, upstream) => reference.siameseTriplet(numbers(batch, 0), numbers(batch, 1), upstream),
    largest: 4,
  }),
  ...[0.07, 0.5].map(temperature =>
    coupled({
      name: temperature === 0.07 ? 'infoNce' : 'infoNce with temperature',
      lossName: 'infoNce',
      options: temperature === 0.07 ? {} : { temperature },
      places: { query: 0, key: 1 },
      inputs: (random, samples, type) => [
        matrix(random, samples, SIZE, type),
        matrix(random, samples, SIZE, type),
      ],
      at: (batch, upstream) => reference.infoNce(vectors(batch, 0), vectors(batch, 1), temperature, upstream),
      ...cosines(temperature),
    }),
  ),
  ...[0.07, 0.5].map(temperature =>
    coupled({
      name: temperature === 0.07 ? 'ntXent' : 'ntXent with temperature',
      lossName: 'ntXent',
      options: temperature === 0.07 ? {} : { temperature },
      places: { embeddings: 0 },
      inputs: (random, samples, type) => [matrix(random, samples, SIZE, type), groups(random, samples)],
      at: (batch, upstream) => reference.ntXent(vectors(batch, 0), numbers(batch, 1), temperature, upstream),
      ...cosines(temperature),
    }),
  ),
  ...[0.1, 0.5].map(temperature =>
    coupled({
      name: temperature === 0.1 ? 'supCon' : 'supCon with temperature',
      lossName: 'supCon',
      options: temperature === 0.1 ? {} : { temperature },
      places: { embeddings: 0 },
      inputs: (random, samples, type) => [matrix(random, samples, SIZE, type), groups(random, samples)],
      at: (batch, upstream) => reference.supCon(vectors(batch, 0), numbers(batch, 1), temperature, upstream),
      ...cosines(temperature),
    }),
  ),
  linear('linearCrossEntropy', {}, {}, false),
  linear('linearCrossEntropy with bias', {}, {}, true),
  linear(
    'linearCrossEntropy with bias, weight and labelSmoothing',
    { weight: Float32Array.from(CLASS_WEIGHTS), labelSmoothing: 0.125 },
    { weight: CLASS_WEIGHTS, labelSmoothing: 0.125 },
    true,
  ),
]
