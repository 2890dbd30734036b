/** Losses of vectors, as cases: each with its formula, written out in float64, and with inputs of any size. */

import * as losskit from '../../lib/index.ts'
import { type Floats, floats, rowsOf } from './floats.ts'
import { Random } from './random.ts'
import type { ComputeType } from './ulp.ts'

type Row = readonly number[]

export const sum = (terms: readonly number[]) => terms.reduce((a, b) => a + b, 0)
const dot = (a: Row, b: Row) => sum(a.map((x, i) => x * (b[i] as number)))
const minus = (a: Row, b: Row) => a.map((x, i) => x - (b[i] as number))

function norm(x: Row, p: number): number {
  if (p === Number.POSITIVE_INFINITY) return Math.max(...x.map(Math.abs))
  return p === 2 ? Math.sqrt(dot(x, x)) : sum(x.map(d => Math.abs(d) ** p)) ** (1 / p)
}

/** Of one row, its vectors first and then its label. */
type Formula = (...inputs: Row[]) => number

const contrast =
  (margin: number): Formula =>
  (a, b, [y] = []) => {
    const d = norm(minus(a as Row, b as Row), 2)
    return (1 - (y as number)) * d ** 2 + (y as number) * Math.max(0, margin - d) ** 2
  }

const angle =
  (margin: number): Formula =>
  (a = [], b = [], [y] = []) => {
    const cosine = dot(a, b) / Math.sqrt((dot(a, a) + 1e-12) * (dot(b, b) + 1e-12))
    return y === 1 ? 1 - cosine : y === -1 ? Math.max(0, cosine - margin) : 0
  }

const tripled =
  ({ margin = 1, p = 2, eps = 1e-6, swap = false }): Formula =>
  (a = [], b = [], c = []) => {
    const d = (x: Row, y: Row) =>
      norm(
        minus(x, y).map(z => z + eps),
        p,
      )
    return Math.max(0, margin + d(a, b) - (swap ? Math.min(d(a, c), d(b, c)) : d(a, c)))
  }

const penalty =
  ({ lambda = 10, target = 1, oneSided = false }): Formula =>
  (g = []) => {
    const off = norm(g, 2) / target - 1
    return lambda * (oneSided ? Math.max(0, off) : off) ** 2
  }

type Gradients = Record<'x1' | 'x2' | 'anchor' | 'positive' | 'negative' | 'gradients', Floats> & {
  [key: string]: Floats
}

/** A loss with its types forgotten: they are tested elsewhere. */
interface Loss {
  (...args: [...inputs: unknown[], options: { reduction: 'none'; [option: string]: unknown }]): Floats
  (...args: unknown[]): number
  grad(...args: unknown[]): Gradients
  valueAndGrad(...args: [...inputs: unknown[], options: { reduction: 'none'; [option: string]: unknown }]): {
    value: Floats
    grad: Gradients
  }
  valueAndGrad(...args: unknown[]): { value: number; grad: Gradients }
  async(...args: unknown[]): Promise<number>
  bind(...args: unknown[]): { (): number; readonly grad: Gradients }
  accumulator(): { update(...args: unknown[]): void; readonly value: number; readonly count: number }
}

export const { contrastive, cosineEmbedding, gradientPenalty, triplet } = losskit as unknown as Record<
  'contrastive' | 'cosineEmbedding' | 'gradientPenalty' | 'triplet',
  Loss
>

export interface Case {
  readonly name: string
  readonly loss: Loss
  readonly options: Record<string, unknown>
  readonly formula: Formula
  readonly keys: readonly string[]
  readonly labels?: (random: Random) => number
}

const PAIR = ['x1', 'x2']
const TRIPLE = ['anchor', 'positive', 'negative']
const sign = (random: Random) => random.integer(3) - 1

const tripletCase = (options: { margin?: number; p?: number; eps?: number; swap?: boolean }): Case => ({
  name: `triplet of ${JSON.stringify({ ...options, ...(options.p === Number.POSITIVE_INFINITY ? { p: '∞' } : {}) })}`,
  loss: triplet,
  options,
  formula: tripled(options),
  keys: TRIPLE,
})

export const CASES: readonly Case[] = [
  {
    name: 'contrastive',
    loss: contrastive,
    options: { margin: 4 },
    formula: contrast(4),
    keys: PAIR,
    labels: random => random.integer(2),
  },
  {
    name: 'contrastive of labels between',
    loss: contrastive,
    options: { margin: 6 },
    formula: contrast(6),
    keys: PAIR,
    labels: random => random.integer(5) / 4,
  },
  {
    name: 'cosineEmbedding',
    loss: cosineEmbedding,
    options: {},
    formula: angle(0),
    keys: PAIR,
    labels: sign,
  },
  {
    name: 'cosineEmbedding with a margin',
    loss: cosineEmbedding,
    options: { margin: -0.25 },
    formula: angle(-0.25),
    keys: PAIR,
    labels: sign,
  },
  tripletCase({}),
  tripletCase({ swap: true }),
  tripletCase({ p: 1 }),
  tripletCase({ p: 1, swap: true }),
  tripletCase({ p: Number.POSITIVE_INFINITY }),
  tripletCase({ p: Number.POSITIVE_INFINITY, swap: true, margin: 2 }),
  tripletCase({ p: 3 }),
  tripletCase({ p: 2.5, swap: true, eps: 0.25 }),
  {
    name: 'gradientPenalty',
    loss: gradientPenalty,
    options: {},
    formula: penalty({}),
    keys: ['gradients'],
  },
  {
    name: 'gradientPenalty of one side',
    loss: gradientPenalty,
    options: { oneSided: true, target: 4, lambda: 3 },
    formula: penalty({ oneSided: true, target: 4, lambda: 3 }),
    keys: ['gradients'],
  },
]

interface Inputs {
  readonly rows: number
  readonly vectors: readonly Floats[]
  readonly labels: Floats | undefined
  readonly columns: number
}

export function inputsOf({ keys, labels }: Case, type: ComputeType, rows: number, columns: number): Inputs {
  const random = new Random(rows + columns)
  const spread = 2 / Math.sqrt(columns)
  const numbers = () =>
    floats(
      type,
      Array.from({ length: rows * columns }, () => spread * random.normal()),
    )
  return {
    rows,
    columns,
    vectors: keys.map(numbers),
    labels:
      labels &&
      floats(
        type,
        Array.from({ length: rows }, () => labels(random)),
      ),
  }
}

export const given = ({ rows, columns, vectors, labels }: Inputs): unknown[] => [
  ...vectors.map(data => ({ data, shape: [rows, columns] })),
  ...(labels === undefined ? [] : [labels]),
]

/** The inputs of each row. */
export function rowInputs({ rows, columns, vectors, labels }: Inputs): Row[][] {
  const split = vectors.map(data => rowsOf(data, columns))
  return Array.from({ length: rows }, (_, r) => [
    ...split.map(all => all[r] as Row),
    ...(labels === undefined ? [] : [[labels[r] as number]]),
  ])
}

/** Differences of fourth order by the vector `v` of a row. */
export function slopes(formula: Formula, row: readonly Row[], v: number): number[] {
  const step = 2e-5
  return (row[v] as Row).map((x, i) => {
    const at = (y: number) => formula(...row.with(v, (row[v] as Row).with(i, y)))
    return (8 * (at(x + step) - at(x - step)) - (at(x + 2 * step) - at(x - 2 * step))) / (12 * step)
  })
}

export const SHAPES = [
  [1, 1],
  [40, 3],
  [20, 16],
  [19, 17],
  [300, 5],
  [6, 130],
  [2, 2050],
] as const
