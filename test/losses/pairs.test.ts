/** Losses of vectors against their formulas, written out in float64. */

import { describe, expect, it } from 'vitest'
import * as losskit from '../../lib/index.ts'
import { told } from '../lib/thrown.ts'
import {
  expectAllNear,
  expectAllPrinted,
  expectAllSame,
  expectAllUlps,
  expectCode,
  expectPrinted,
  expectSame,
  expectUlps,
} from '../support/expect.ts'
import { FLOATS, type Floats, floats, held, matrix, rowsOf } from '../support/floats.ts'
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from '../support/half.ts'
import { Random } from '../support/random.ts'
import type { ComputeType } from '../support/ulp.ts'

type Row = readonly number[]

const sum = (terms: readonly number[]) => terms.reduce((a, b) => a + b, 0)
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

const { contrastive, cosineEmbedding, gradientPenalty, triplet } = losskit as unknown as Record<
  'contrastive' | 'cosineEmbedding' | 'gradientPenalty' | 'triplet',
  Loss
>

interface Case {
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

const CASES: readonly Case[] = [
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

function inputsOf({ keys, labels }: Case, type: ComputeType, rows: number, columns: number): Inputs {
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

const given = ({ rows, columns, vectors, labels }: Inputs): unknown[] => [
  ...vectors.map(data => ({ data, shape: [rows, columns] })),
  ...(labels === undefined ? [] : [labels]),
]

/** The inputs of each row. */
function rowInputs({ rows, columns, vectors, labels }: Inputs): Row[][] {
  const split = vectors.map(data => rowsOf(data, columns))
  return Array.from({ length: rows }, (_, r) => [
    ...split.map(all => all[r] as Row),
    ...(labels === undefined ? [] : [[labels[r] as number]]),
  ])
}

/** Differences of fourth order by the vector `v` of a row. */
function slopes(formula: Formula, row: readonly Row[], v: number): number[] {
  const step = 2e-5
  return (row[v] as Row).map((x, i) => {
    const at = (y: number) => formula(...row.with(v, (row[v] as Row).with(i, y)))
    return (8 * (at(x + step) - at(x - step)) - (at(x + 2 * step) - at(x - 2 * step))) / (12 * step)
  })
}

const SHAPES = [
  [1, 1],
  [40, 3],
  [20, 16],
  [19, 17],
  [300, 5],
  [6, 130],
  [2, 2050],
] as const

describe.each(FLOATS)('losses of vectors in %s', type => {
  describe.each(CASES)('$name', one => {
    const { loss, options, formula, keys } = one

    it('is the formula of every row', () => {
      for (const [rows, columns] of SHAPES) {
        const inputs = inputsOf(one, type, rows, columns)
        const truth = rowInputs(inputs).map(row => formula(...row))
        const values = loss(...given(inputs), { ...options, reduction: 'none' }) as Floats
        // The formula as written adds its terms in order: a few roundings each, of terms of about 10.
        const slack = truth.map(() => 1e-15 * (10 + columns))
        expectAllUlps(values, truth, type, 2, { slack })
      }
    })

    it('has its slopes as gradients', () => {
      for (const [rows, columns] of SHAPES.slice(1, 6)) {
        const inputs = inputsOf(one, type, rows, columns)
        const all = rowInputs(inputs)
        const grads = loss.grad(...given(inputs), { ...options, reduction: 'sum' })
        keys.forEach((key, v) => {
          const expected = all.flatMap(row => slopes(formula, row, v))
          const scale = expected.map(() => 0.1)
          const limit = type === 'float32' ? 1e-6 : 1e-7
          expectAllNear(grads[key] as Floats, expected, type, limit, { scale, what: key })
        })
      }
    })

    it('gives the same from one pass, weighted and with an incoming gradient', () => {
      const inputs = inputsOf(one, type, 37, 21)
      const random = new Random(5)
      const weight = floats(
        type,
        random.list(37, () => 2 * random.uniform()),
      )
      const upstream = floats(
        type,
        random.list(37, () => random.normal()),
      )
      const plain = loss.valueAndGrad(...given(inputs), { ...options, reduction: 'none' })
      const more = { ...options, weight, upstream }
      const both = loss.valueAndGrad(...given(inputs), { ...more, reduction: 'none' })
      const values = both.value
      const truth = rowInputs(inputs).map((row, r) => formula(...row) * (weight[r] as number))
      expectAllUlps(values, truth, type, 2, { slack: truth.map(() => 1e-13) })
      // Two roundings, of terms of about 1 whose difference may be less.
      const limit = type === 'float32' ? 3e-7 : 1e-14
      for (const key of keys) {
        const expected = Array.from(plain.grad[key] as Floats, (g, i) => {
          const r = Math.floor(i / 21)
          return g * (weight[r] as number) * (upstream[r] as number)
        })
        expectAllNear(both.grad[key] as Floats, expected, type, limit, { scale: expected.map(() => 0.1) })
      }
      const mean = loss.valueAndGrad(...given(inputs), { ...options, weight }) as {
        value: number
        grad: Record<string, Floats>
      }
      expectSame(mean.value, loss(...given(inputs), { ...options, weight }))
      expectUlps(mean.value, sum(Array.from(values)) / 37, 'float64', 1e6)
      const divided = loss.grad(...given(inputs), { ...options, divisor: 10 })
      for (const key of keys) {
        const expected = Array.from(plain.grad[key] as Floats, g => g / 10)
        expectAllNear(divided[key] as Floats, expected, type, limit, { scale: expected.map(() => 0.1) })
      }
    })

    it('may write every gradient over its own input', () => {
      for (const [rows, columns] of [
        [40, 3],
        [3, 4500],
      ] as const) {
        const inputs = inputsOf(one, type, rows, columns)
        const expected = loss.grad(...given(inputs), options)
        const copies = { ...inputs, vectors: inputs.vectors.map(data => data.slice()) }
        const out = Object.fromEntries(keys.map((key, v) => [key, copies.vectors[v]]))
        loss.grad(...given(copies), { ...options, out })
        keys.forEach((key, v) => {
          expectAllSame(copies.vectors[v] as Floats, expected[key] as Floats, key)
        })
      }
    })

    it('turns a NaN into NaN of its own row only', () => {
      keys.forEach((_, v) => {
        const inputs = inputsOf(one, type, 3, 20)
        if (inputs.labels !== undefined) inputs.labels.fill(1)
        ;(inputs.vectors[v] as Floats)[27] = Number.NaN
        const { value, grad } = loss.valueAndGrad(...given(inputs), { ...options, reduction: 'none' })
        expect(Array.from(value as Floats, Number.isNaN)).toEqual([false, true, false])
        for (const key of keys) {
          const nan = Array.from(grad[key] as Floats, Number.isNaN)
          expect(nan.slice(0, 20).concat(nan.slice(40))).not.toContain(true)
          expect(nan.slice(20, 40), key).toContain(true)
        }
      })
    })

    it('survives the largest and the smallest numbers', () => {
      const huge = type === 'float32' ? 3e38 : 1.7e308
      const tiny = type === 'float32' ? 1e-45 : 5e-324
      const numbers = [0, -0, tiny, 1, huge, -huge, Number.POSITIVE_INFINITY]
      const rows = numbers.length ** 2
      const vectors = keys.map((_, v) =>
        floats(
          type,
          Array.from({ length: rows }, (_, r) => [
            numbers[r % 7] as number,
            numbers[(Math.floor(r / 7) + v) % 7] as number,
          ]).flat(),
        ),
      )
      const labels = one.labels && floats(type, new Array(rows).fill(1))
      const inputs = { rows, columns: 2, vectors, labels }
      const { value, grad } = loss.valueAndGrad(...given(inputs), { ...options, reduction: 'none' })
      // Where no input is infinite and no square overflows, nothing is NaN.
      const limit = type === 'float32' ? huge : 1e100
      rowInputs(inputs).forEach((row, r) => {
        if (row.flat().some(x => Math.abs(x) > limit)) return
        expect((value as Floats)[r], `value of ${JSON.stringify(row)}`).not.toBeNaN()
        for (const key of keys) {
          expect(Array.from((grad[key] as Floats).slice(2 * r, 2 * r + 2)), key).not.toContain(Number.NaN)
        }
      })
    })

    it('of no rows is 0 in sum and NaN in the mean', () => {
      const none = given({
        rows: 0,
        columns: 7,
        vectors: keys.map(() => floats(type, [])),
        labels: one.labels && floats(type, []),
      })
      expectSame(loss(...none, { ...options, reduction: 'sum' }), 0)
      expectSame(loss(...none, options), Number.NaN)
      expectSame(loss(...none, { ...options, onEmpty: 'zero' }), 0)
      expect(loss.grad(...none, options)[keys[0] as string]?.length).toBe(0)
    })
  })

  it('contrastive has the published numbers', () => {
    const none = { reduction: 'none' } as const
    const zero = matrix(type, [[0], [0], [0], [0], [0]])
    const apart = matrix(type, [[0.5], [0.5], [1], [3], [0]])
    const { value, grad } = contrastive.valueAndGrad(zero, apart, [0, 1, 1, 1, 1], none)
    expectAllSame(value, [0.25, 0.25, 0, 0, 1])
    // 2 (a - b) where similar, -2 (1 - d)(a - b) / d where not, and 0 for equal embeddings, not NaN.
    expectAllSame(grad.x1, [-1, 1, 0, 0, 0])
    expectAllSame(grad.x2, [1, -1, 0, 0, 0])
  })

  it('contrastive leaves out what a label leaves out, even if it is infinite', () => {
    const far = matrix(type, [[Number.POSITIVE_INFINITY, 0]])
    const { value, grad } = contrastive.valueAndGrad(far, matrix(type, [[0, 0]]), [1])
    expectSame(value, 0)
    expectAllSame(grad.x1, [0, 0])
  })

  it('cosineEmbedding of zero vectors is 1 for label 1, and nothing for other labels', () => {
    const zero = matrix(type, [
      [0, 0],
      [0, 0],
      [0, 0],
    ])
    expectAllSame(cosineEmbedding(zero, zero, [1, 0, -1], { reduction: 'none' }), [1, 0, 0])
    const other = matrix(type, [
      [1, 2],
      [3, Number.NaN],
    ])
    const { value, grad } = cosineEmbedding.valueAndGrad(other, other, [0, 0.5], { reduction: 'none' })
    expectAllSame(value, [0, 0])
    expectAllSame(grad.x1, [0, 0, 0, 0])
  })

  it('cosineEmbedding has a gradient at exactly the margin', () => {
    // cos = 0; by x1 it is x2 / sqrt((1 + 1e-12)(4 + 1e-12))
    const { value, grad } = cosineEmbedding.valueAndGrad(matrix(type, [[1, 0]]), matrix(type, [[0, 2]]), [-1])
    expectSame(value, 0)
    expectAllNear(grad.x1, [0, 1 / Math.sqrt(1 + 1e-12)], type, 1e-12 + (type === 'float32' ? 1e-7 : 0))
  })

  it('cosineEmbedding of a vector and itself is not negative', () => {
    const random = new Random(11)
    const data = floats(
      type,
      random.list(400, () => 3 * random.normal()),
    )
    const same = { data, shape: [20, 20] }
    for (const value of cosineEmbedding(same, same, new Array(20).fill(1), { reduction: 'none' })) {
      expect(value).toBeGreaterThanOrEqual(0)
      expect(value).toBeLessThan(1e-12)
    }
  })

  it('triplet has the published numbers', () => {
    const same = matrix(type, [[1, 2, 3, 4]])
    // Distances of 2e-6 each.
    const { value, grad } = triplet.valueAndGrad(same, same, same)
    expectSame(value, 1)
    expectAllSame(grad.anchor, [0, 0, 0, 0])
    expectAllNear(grad.negative, [0.5, 0.5, 0.5, 0.5], type, 1e-6)
    const rows = [[[1, 2, 3]], [[1, 2, 2]], [[4, 2, 3]]].map(row => matrix(type, row))
    const [a, p, n] = rows as [(typeof rows)[0], (typeof rows)[0], (typeof rows)[0]]
    // d(a, p) = 1.000001 and d(a, n) = 2.999999; d(p, n) = 3.162276 is the greater.
    expectPrinted(triplet(a, p, n, { margin: 3 }), '1.000002', type)
    expectPrinted(triplet(a, p, n, { margin: 3, swap: true }), '1.000002', type)
    expectSame(triplet(a, p, n), 0)
    expectAllSame(triplet.grad(a, p, n).anchor, [0, 0, 0])
  })

  it('triplet counts at exactly the margin', () => {
    const [a, p, n] = [matrix(type, [[0, 0]]), matrix(type, [[3, 4]]), matrix(type, [[0, 6]])]
    const { value, grad } = triplet.valueAndGrad(a, p, n, { eps: 0 })
    expectSame(value, 0)
    expectAllPrinted(grad.positive, ['0.6', '0.8'], type)
    expectAllSame(grad.negative, [0, -1])
    expectAllPrinted(grad.anchor, ['-0.6', '0.2'], type)
  })

  it('triplet swaps to the nearer of both, and halves at a tie', () => {
    const [a, p] = [matrix(type, [[0, 0]]), matrix(type, [[4, 0]])]
    const options = { eps: 0, swap: true, margin: 2 } as const
    const nearer = triplet.valueAndGrad(a, p, matrix(type, [[4, 1]]), options)
    expectSame(nearer.value, 2 + 4 - 1)
    expectAllSame(nearer.grad.anchor, [-1, 0])
    expectAllSame(nearer.grad.positive, [1, 1])
    expectAllSame(nearer.grad.negative, [0, -1])
    // n lies as far from a as from p: sqrt(4 + 9/4) = 5/2.
    const tie = triplet.valueAndGrad(a, p, matrix(type, [[2, 1.5]]), options)
    expectSame(tie.value, 2 + 4 - 2.5)
    // u(a, n) = (-0.8, -0.6) and u(p, n) = (0.8, -0.6), each by half.
    expectAllPrinted(tie.grad.anchor, ['-0.6', '0.3'], type)
    expectAllPrinted(tie.grad.positive, ['0.6', '0.3'], type)
    expectAllPrinted(tie.grad.negative, ['0', '-0.6'], type)
  })

  it('triplet of p = Infinity shares the derivative among the largest differences', () => {
    const [a, p, n] = [matrix(type, [[1, -1, 0]]), matrix(type, [[0, 0, 0]]), matrix(type, [[1, -1, 0.5]])]
    const { value, grad } = triplet.valueAndGrad(a, p, n, { p: Number.POSITIVE_INFINITY, eps: 0 })
    expectSame(value, 1 + 1 - 0.5)
    expectAllSame(grad.positive, [-0.5, 0.5, 0])
    expectAllSame(grad.negative, [0, 0, -1])
  })

  it('triplet is right where squares leave the range', () => {
    const [far, near] = type === 'float32' ? [1e38, 1e-40] : [1e300, 1e-300]
    const options = { eps: 0, margin: 0, reduction: 'none' } as const
    const [x] = held(type, [near]) as [number]
    const rows = [
      [
        [0, 0],
        [3 * far, 0],
        [0, far],
      ],
      [
        [0, 0],
        [3 * near, 4 * near],
        [0, 0],
      ],
    ].map(row => row.map(vector => held(type, vector)))
    const at = (v: number) =>
      matrix(
        type,
        rows.map(row => row[v] as number[]),
      )
    const { value, grad } = triplet.valueAndGrad(at(0), at(1), at(2), options)
    expectAllUlps(value, [(rows[0]?.[1]?.[0] as number) - (rows[0]?.[2]?.[1] as number), 5 * x], type, 3)
    expectAllNear(grad.positive, [1, 0, 0.6, 0.8], type, 1e-4)
  })

  it('triplet takes a norm of any p without leaving the range', () => {
    const huge = type === 'float32' ? 1e30 : 1e200
    const [a, p, n] = [matrix(type, [[huge, 0]]), matrix(type, [[0, 0]]), matrix(type, [[huge, huge]])]
    const { value, grad } = triplet.valueAndGrad(a, p, n, { p: 50.5, eps: 0, margin: 0 })
    expectSame(value, 0)
    expectAllSame(grad.positive, [-1, 0])
    const near = { p: 3, eps: 0, margin: 0 }
    // (8 + 27)^(1/3)
    expectPrinted(
      triplet(matrix(type, [[2, 3]]), matrix(type, [[0, 0]]), matrix(type, [[2, 3]]), near),
      '3.271066310',
      type,
    )
  })

  it('triplet of p = 1.5 has the powers of its differences as gradient', () => {
    // d = (1, 4, 0): norm (1 + 8)^(2/3), derivative sqrt(d / norm)
    const size = 9 ** (2 / 3)
    const [a, p] = [matrix(type, [[1, -4, 0]]), matrix(type, [[0, 0, 0]])]
    const { value, grad } = triplet.valueAndGrad(a, p, a, { p: 1.5, eps: 0 })
    expectAllUlps([value], [1 + size], 'float64', type === 'float32' ? 2 ** 28 : 4)
    expectAllNear(grad.positive, [-Math.sqrt(1 / size), Math.sqrt(4 / size), 0], type, 1e-7)
    expectAllSame(grad.negative, [0, 0, 0])
  })

  it('gradientPenalty grows with the distance of the norm from its target', () => {
    const g = matrix(type, [
      [3, 4],
      [0.3, 0.4],
      [0, 0],
      [1, 0],
    ])
    const none = { reduction: 'none' } as const
    expectAllPrinted(gradientPenalty(g, none), ['160', '2.5', '10', '0'], type)
    expectAllPrinted(gradientPenalty(g, { ...none, oneSided: true }), ['160', '0', '0', '0'], type)
    expectAllPrinted(gradientPenalty(g, { ...none, target: 2, lambda: 4 }), ['9', '2.25', '4', '1'], type)
    // 2 lambda (|g| - 1) g / |g|, and 0 for a zero gradient
    expectAllPrinted(
      gradientPenalty.grad(g, none).gradients,
      ['48', '64', '-6', '-8', '0', '0', '0', '0'],
      type,
    )
  })

  it('gradientPenalty takes all dimensions of a sample together', () => {
    const random = new Random(2)
    const data = floats(
      type,
      random.list(24, () => random.normal()),
    )
    const flat = gradientPenalty({ data, shape: [2, 12] }, { reduction: 'none' })
    expectAllSame(gradientPenalty({ data, shape: [2, 3, 2, 2] }, { reduction: 'none' }), flat)
    expect(gradientPenalty(data, { reduction: 'none' }).length).toBe(1)
  })

  it('takes one row, flat rows, rows in more dimensions, and labels of any type', () => {
    const random = new Random(4)
    const [a, b] = [0, 1].map(() =>
      floats(
        type,
        random.list(12, () => random.normal()),
      ),
    ) as [Floats, Floats]
    const at = (shape: number[]) =>
      [
        { data: a, shape },
        { data: b, shape },
      ] as const
    const none = { reduction: 'none' } as const
    const values = contrastive(...at([4, 3]), [0, 1, 1, 0], none)
    expectAllSame(contrastive(a, b, [0, 1, 1, 0], none), values)
    expectAllSame(
      contrastive(...at([2, 2, 3]), { data: new Uint8Array([0, 1, 1, 0]), shape: [2, 2] }, none),
      values,
    )
    expectAllSame(contrastive(...at([4, 3]), BigInt64Array.of(0n, 1n, 1n, 0n), none), values)
    expect(contrastive(a, b, [1], none).length).toBe(1)
    expect(triplet(a, b, a, none).length).toBe(1)
    expect(triplet(...at([4, 3]), { data: a, shape: [4, 3] }, none).length).toBe(4)
  })

  it('adds up batches, and computes off the event loop', async () => {
    const one = CASES[4] as Case
    const inputs = inputsOf(one, type, 30, 9)
    const rows = inputs.vectors.map(data => ({ data, shape: [30, 9] }))
    const [a, p, n] = rows as [(typeof rows)[0], (typeof rows)[0], (typeof rows)[0]]
    const accumulator = triplet.accumulator()
    for (const [from, to] of [
      [0, 7],
      [7, 30],
    ] as const) {
      const cut = rows.map(({ data }) => ({ data: data.slice(from * 9, to * 9), shape: [to - from, 9] }))
      accumulator.update(...(cut as [never, never, never]))
    }
    expect(accumulator.value).toBe(triplet(a, p, n))
    expect(accumulator.count).toBe(30)
    expect(await triplet.async(a, p, n)).toBe(triplet(a, p, n))
    const bound = triplet.bind(a, p, n, { grad: true })
    expect(bound()).toBe(triplet(a, p, n))
    expectAllSame(bound.grad.negative, triplet.grad(a, p, n).negative)
  })
})

describe.each([
  { dtype: 'float16', to: toFloat16, from: fromFloat16 },
  { dtype: 'bfloat16', to: toBfloat16, from: fromBfloat16 },
] as const)('losses of vectors in $dtype', ({ dtype, to, from }) => {
  it.each(CASES)('$name computes in float32, and rounds the gradients once', one => {
    const { loss, options, keys } = one
    for (const [rows, columns] of [
      [23, 19],
      [2, 2100],
    ] as const) {
      const { vectors, labels } = inputsOf(one, 'float32', rows, columns)
      const bits = vectors.map(data => Uint16Array.from(data, to))
      const last = labels === undefined ? [] : [labels]
      const shape = [rows, columns]
      const half = bits.map(data => ({ data, dtype, shape }))
      const wide = bits.map(data => ({ data: Float32Array.from(data, from), shape }))
      const { value, grad } = loss.valueAndGrad(...half, ...last, { ...options, reduction: 'none' })
      const expected = loss.valueAndGrad(...wide, ...last, { ...options, reduction: 'none' })
      expectAllSame(value as Floats, expected.value as Floats)
      for (const key of keys) {
        expectAllSame(grad[key] as Floats, Uint16Array.from(expected.grad[key] as Floats, to), key)
      }
      const out = Object.fromEntries(keys.map((key, v) => [key, bits[v]]))
      loss.grad(...half, ...last, { ...options, reduction: 'none', out })
      for (const key of keys) expectAllSame(out[key] as Uint16Array, grad[key] as Floats, key)
    }
  })
})

it('refuses labels that mean nothing', () => {
  const x = [[1], [2], [3]]
  expect(told(() => contrastive(x, x, [0, 1, -1]))).toBe(
    'ERR_DOMAIN: contrastive: label[2] is -1. A label must lie in [0, 1]: 0 for a similar pair, 1 for a dissimilar one.',
  )
  expectCode(() => contrastive(x, x, [0, Number.NaN, 1]), 'ERR_DOMAIN')
  expect(cosineEmbedding(x, x, [5, -7, 0.5])).toBe(0)
})

it('refuses shapes that do not fit together', () => {
  const x = { data: new Float32Array(12), shape: [4, 3] }
  const y = { data: new Float32Array(12), shape: [3, 4] }
  expect(told(() => contrastive(x, x, [0, 1]))).toBe(
    'ERR_SHAPE: contrastive: label has 2 elements, x1 has shape [4, 3]. There must be one label for each row: shape [4].',
  )
  expect(told(() => contrastive(new Float32Array(7), new Float32Array(7), [0, 1]))).toBe(
    'ERR_SHAPE: contrastive: x1 has 7 elements, which do not make 2 rows, one for each label. Give it as { data, shape: ' +
      '[rows, columns] }.',
  )
  expectCode(() => contrastive(x, y, [0, 1, 0, 1]), 'ERR_SHAPE')
  expectCode(() => triplet(x, x, y), 'ERR_SHAPE')
  const nothing = { data: new Float32Array(0), shape: [4, 0] }
  expectCode(() => triplet(nothing, nothing, nothing), 'ERR_SHAPE')
  expectCode(() => gradientPenalty(nothing), 'ERR_SHAPE')
  expectCode(() => triplet(x, x, x, { weight: [1, 2, 3] }), 'ERR_SHAPE')
})

it('refuses types and options that cannot be', () => {
  const x = { data: new Float32Array(12), shape: [4, 3] }
  const wide = { data: new Float64Array(12), shape: [4, 3] }
  expectCode(() => triplet(x, x, wide), 'ERR_DTYPE')
  expectCode(() => cosineEmbedding(x, { ...x, data: new Int32Array(12) }, [1, 1, 1, 1]), 'ERR_DTYPE')
  expectCode(() => gradientPenalty(new Int32Array(3)), 'ERR_DTYPE')
  expect(told(() => triplet(x, x, x, { p: 0.5 }))).toBe(
    'ERR_OPTION: triplet: p is 0.5. It must be a number from 1 on, or Infinity.',
  )
  expectCode(() => triplet(x, x, x, { p: Number.NaN }), 'ERR_OPTION')
  expectCode(() => triplet(x, x, x, { swap: 1 }), 'ERR_OPTION')
  expectCode(() => triplet(x, x, x, { margin: -1 }), 'ERR_OPTION')
  expectCode(() => gradientPenalty(x, { target: 0 }), 'ERR_OPTION')
  expectCode(() => contrastive(x, x, [0, 0, 0, 0], { margin: Number.POSITIVE_INFINITY }), 'ERR_OPTION')
})
