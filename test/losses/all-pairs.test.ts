/** Losses of all pairs, against the double sums written out in float64, and their slopes by differences of five points. */

import { afterEach, describe, expect, it } from 'vitest'
import { binding } from '../../lib/backend/binding.ts'
import { crossEntropy, infoNce, linearCrossEntropy, ntXent, siameseTriplet, supCon } from '../../lib/index.ts'
import { rejected, told } from '../lib/thrown.ts'
import {
  expectAllNear,
  expectAllPrinted,
  expectAllSame,
  expectAllUlps,
  expectPrinted,
  expectSame,
} from '../support/expect.ts'
import { floats as eitherFloats, FLOATS, held } from '../support/floats.ts'
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from '../support/half.ts'
import { Random } from '../support/random.ts'
import type { ComputeType } from '../support/ulp.ts'

/** Said to be the narrower type of the two: an array that may be either fits no pair of inputs. */
type Floats = Float32Array
const floats = eitherFloats as (type: ComputeType, values: ArrayLike<number>) => Floats

type Rows = readonly (readonly number[])[]

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, x, k) => sum + x * (b[k] as number), 0)

function cosine(a: readonly number[], b: readonly number[]): number {
  const norm = (x: readonly number[]) => Math.max(Math.sqrt(dot(x, x)), 1e-8)
  return dot(a, b) / norm(a) / norm(b)
}

/** log(1 + Σ e^x), without its overflow, and exact where all x are small. */
function logOnePlus(x: readonly number[]): number {
  const most = Math.max(0, ...x)
  const rest = x.reduce((sum, v) => sum + Math.exp(v - most), 0)
  return most === 0 ? Math.log1p(rest) : most + Math.log(rest + Math.exp(-most))
}

const mean = (x: readonly number[]): number => x.reduce((sum, v) => sum + v, 0) / x.length

/** −log softmax(s)_at: the others against it. */
const surprise = (s: readonly number[], at: number): number =>
  logOnePlus(s.filter((_, j) => j !== at).map(v => v - (s[at] as number)))

const siameseTruth = (positive: readonly number[], negative: readonly number[]): number[] =>
  positive.map(p => mean(negative.map(n => logOnePlus([n - p]))))

const infoNceTruth = (query: Rows, key: Rows, temperature: number): number[] =>
  query.map((q, i) =>
    surprise(
      key.map(k => cosine(q, k) / temperature),
      i,
    ),
  )

function clusterTruth(together: boolean) {
  return (embeddings: Rows, labels: readonly number[], temperature: number): number[] =>
    embeddings.map((anchor, i) => {
      const scores = embeddings.map(other => cosine(anchor, other) / temperature)
      const others = scores.map((_, j) => j).filter(j => j !== i)
      const positives = others.filter(j => labels[j] === labels[i])
      if (positives.length === 0) return 0
      const against = (p: number) =>
        others
          .filter(j => j !== p && (together || labels[j] !== labels[i]))
          .map(j => (scores[j] as number) - (scores[p] as number))
      return mean(positives.map(p => logOnePlus(against(p))))
    })
}

/** Slopes of the sum of `upstream` times the values, by every number of `at`. */
function slopes(
  at: Rows,
  values: (rows: Rows) => readonly number[],
  upstream: readonly number[],
  step = 1e-3,
): number[] {
  const moved = (i: number, k: number, by: number): number => {
    const rows = at.map(row => [...row])
    ;(rows[i] as number[])[k] = ((rows[i] as number[])[k] as number) + by
    return dot(values(rows), upstream)
  }
  return at.flatMap((row, i) =>
    row.map((_, k) => {
      const [near, far] = [step, 2 * step].map(h => moved(i, k, h) - moved(i, k, -h)) as [number, number]
      return (8 * near - far) / (12 * step)
    }),
  )
}

const normals = (random: Random, rows: number, columns: number): number[][] =>
  Array.from({ length: rows }, () => random.list(columns, () => random.normal()))

/** The rows as a type holds them, and as an argument. */
function stored(
  type: ComputeType,
  rows: Rows,
): { readonly rows: number[][]; readonly tensor: { data: Floats; shape: number[] } } {
  const columns = rows[0]?.length ?? 0
  const data = floats(type, rows.flat())
  return {
    rows: rows.map((_, i) => Array.from(data.subarray(i * columns, (i + 1) * columns))),
    tensor: { data, shape: [rows.length, columns] },
  }
}

/** Units in the last place: float64 has those of the reference's own sums. */
const ULPS = { float32: 2, float64: 2000 } as const
const NEAR = { float32: 1e-6, float64: 1e-7 } as const

function expectSlopes(actual: Floats, truth: number[], type: ComputeType, what?: string): void {
  const scale = truth.map(() => Math.max(...truth.map(Math.abs)))
  expectAllNear(actual, truth, type, NEAR[type], what === undefined ? { scale } : { scale, what })
}

const { isa: initialIsa, isas, threads: initialThreads } = binding.info()

afterEach(() => {
  binding.setIsa(initialIsa)
  binding.setThreads(initialThreads)
})

/** Computes on every instruction set and with several threads: all must give the same numbers. */
function expectOneResult(compute: () => readonly Floats[]): void {
  let first: readonly Floats[] | undefined
  for (const isa of isas) {
    binding.setIsa(isa)
    for (const threads of [1, 2, 5]) {
      binding.setThreads(threads)
      const results = compute()
      first ??= results
      results.forEach((result, k) => {
        expectAllSame(result, first?.[k] as Floats, `result ${k} of ${isa} with ${threads} threads`)
      })
    }
  }
}

describe.each(FLOATS)('siameseTriplet in %s', type => {
  it('has the published value and gradients (T38)', () => {
    const positive = floats(type, [1, 2])
    const negative = floats(type, [0, -1, 0.5])
    const { value, grad } = siameseTriplet.valueAndGrad(positive, negative)
    expectPrinted(value, '0.215199221', type)
    expectAllPrinted(grad.positive, ['-0.127614169', '-0.058175720'], type)
    expectAllPrinted(grad.negative, ['0.064690724', '0.027771466', '0.093327699'], type)
  })

  it('neither overflows nor loses small values (T38)', () => {
    expect(siameseTriplet(floats(type, [1000]), floats(type, [0]))).toBe(0)
    expect(siameseTriplet(floats(type, [0]), floats(type, [1000]))).toBe(1000)
    const values = siameseTriplet(floats(type, [50]), floats(type, [0, 0, 0]), { reduction: 'none' })
    expectAllUlps(values, [Math.exp(-50)], type, 4)
  })

  it.each([
    [1, 1],
    [3, 5],
    [17, 16],
    [33, 1000],
    [300, 47],
  ])('is the mean over the negatives, for %i positives and %i negatives', (rows, others) => {
    const random = new Random(rows)
    const positive = held(
      type,
      random.list(rows, () => 3 * random.normal()),
    )
    const negative = held(
      type,
      random.list(others, () => 3 * random.normal()),
    )
    const upstream = held(
      type,
      random.list(rows, () => random.normal()),
    )
    const { value, grad } = siameseTriplet.valueAndGrad(floats(type, positive), floats(type, negative), {
      reduction: 'none',
      upstream: floats(type, upstream),
    })
    expectAllUlps(value, siameseTruth(positive, negative), type, type === 'float32' ? 1 : 200)
    const logistic = (d: number) => 1 / (1 + Math.exp(-d))
    const byPositive = positive.map(
      (p, i) => -(upstream[i] as number) * mean(negative.map(n => logistic(n - p))),
    )
    const byNegative = negative.map(
      n => positive.reduce((sum, p, i) => sum + (upstream[i] as number) * logistic(n - p), 0) / others,
    )
    expectAllNear(grad.positive, byPositive, type, type === 'float32' ? 1e-6 : 1e-12)
    const scale = byNegative.map(() => Math.sqrt(rows) / others)
    expectAllNear(grad.negative, byNegative, type, type === 'float32' ? 1e-6 : 1e-12, { scale })
  })

  it('has infinite values for infinite scores, and NaN only for NaN and for differences of infinities', () => {
    const none = { reduction: 'none' } as const
    const [high, low] = [floats(type, [Number.POSITIVE_INFINITY]), floats(type, [Number.NEGATIVE_INFINITY])]
    const zero = floats(type, [0, 1])
    expectAllSame(siameseTriplet(high, zero, none), [0])
    expectAllSame(siameseTriplet(low, zero, none), [Number.POSITIVE_INFINITY])
    expectAllSame(siameseTriplet(low, low, none), [Number.NaN])
    expectAllSame(siameseTriplet(floats(type, [0, Number.NaN]), zero, none).subarray(1), [Number.NaN])
    expectAllSame(siameseTriplet.grad(high, zero).positive, [-0])
  })

  it('is the same everywhere', () => {
    const random = new Random(5)
    const positive = floats(
      type,
      random.list(700, () => 5 * random.normal()),
    )
    const negative = floats(
      type,
      random.list(601, () => 5 * random.normal()),
    )
    expectOneResult(() => {
      const { value, grad } = siameseTriplet.valueAndGrad(positive, negative, { reduction: 'none' })
      return [value, grad.positive, grad.negative]
    })
  })
})

describe('siameseTriplet', () => {
  it('of no positives is nothing, and of no negatives NaN', () => {
    const [none, one] = [new Float32Array(0), Float32Array.of(1)]
    expect(siameseTriplet(none, one)).toBeNaN()
    expect(siameseTriplet(none, one, { reduction: 'sum' })).toBe(0)
    expect(siameseTriplet(none, one, { onEmpty: 'zero' })).toBe(0)
    expectAllSame(siameseTriplet.grad(none, one, { reduction: 'sum' }).negative, [0])
    expect(siameseTriplet(one, none)).toBeNaN()
  })

  it('refuses weights, other types and gradients over inputs', () => {
    const one = Float32Array.of(1)
    expect(told(() => siameseTriplet(one, one, { weight: [1] } as never))).toMatch(
      /^ERR_OPTION: siameseTriplet: there is no option weight/,
    )
    expect(told(() => siameseTriplet(one, Float64Array.of(1) as never))).toMatch(
      /^ERR_DTYPE: siameseTriplet: negative is float64/,
    )
    expect(told(() => siameseTriplet(one, { data: Uint16Array.of(1), dtype: 'float16' } as never))).toMatch(
      /^ERR_DTYPE: siameseTriplet: negative is float16, positive is float32/,
    )
    expect(told(() => siameseTriplet.grad(one, Float32Array.of(2), { out: { positive: one } }))).toMatch(
      /^ERR_OVERLAP: siameseTriplet: out.positive shares memory with positive/,
    )
  })
})

describe.each(FLOATS)('infoNce in %s', type => {
  it.each([
    [1, 1, 1],
    [2, 2, 3],
    [5, 9, 4],
    [17, 17, 33],
    [20, 131, 130],
  ])('finds the key among all, for %i queries and %i keys of %i numbers', (rows, others, columns) => {
    const random = new Random(rows)
    const query = stored(type, normals(random, rows, columns))
    const key = stored(type, normals(random, others, columns))
    const values = infoNce(query.tensor, key.tensor, { temperature: 0.3, reduction: 'none' })
    expectAllUlps(values, infoNceTruth(query.rows, key.rows, 0.3), type, ULPS[type])
  })

  it('has the slopes of its value as gradients', () => {
    const random = new Random(7)
    const query = stored(type, normals(random, 6, 5))
    const key = stored(type, normals(random, 8, 5))
    const upstream = held(
      type,
      random.list(6, () => random.normal()),
    )
    const { grad } = infoNce.valueAndGrad(query.tensor, key.tensor, {
      temperature: 0.5,
      reduction: 'none',
      upstream: floats(type, upstream),
    })
    expectSlopes(
      grad.query,
      slopes(query.rows, rows => infoNceTruth(rows, key.rows, 0.5), upstream),
      type,
    )
    expectSlopes(
      grad.key,
      slopes(key.rows, rows => infoNceTruth(query.rows, rows, 0.5), upstream),
      type,
    )
  })

  it('keeps the digits of confident rows', () => {
    const rows = [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]
    const { tensor } = stored(type, rows)
    // Two others at cosine 0: log(1 + 2 e^-1/0.03), far below the rounding of the scores.
    const truth = Math.log1p(2 * Math.exp(-1 / 0.03))
    expectAllUlps(
      infoNce(tensor, tensor, { temperature: 0.03, reduction: 'none' }),
      [truth, truth, truth],
      type,
      60,
    )
  })

  it('gives a zero vector the cosine 0 and a finite gradient', () => {
    const { tensor } = stored(type, [
      [0, 0],
      [1, 2],
    ])
    const { value, grad } = infoNce.valueAndGrad(
      tensor,
      { ...tensor, data: tensor.data.slice() },
      { reduction: 'none' },
    )
    expect(value[0]).toBeCloseTo(Math.LN2, 6)
    for (const g of [...grad.query, ...grad.key]) expect(Number.isFinite(g)).toBe(true)
  })

  it('does not depend on the length of vectors', () => {
    const random = new Random(3)
    const query = normals(random, 5, 6)
    const scaled = (by: number) =>
      stored(
        type,
        query.map(row => row.map(x => x * by)),
      ).tensor
    const key = stored(type, normals(random, 5, 6)).tensor
    const first = infoNce(scaled(1), key, { reduction: 'none' })
    for (const by of [2 ** 60, 2 ** -20])
      expectAllSame(infoNce(scaled(by), key, { reduction: 'none' }), first)
  })

  it('is right for the largest and the smallest numbers', () => {
    const [large, small] = type === 'float32' ? [2 ** 127, 2 ** -149] : [2 ** 1023, 2 ** -1074]
    const rows = (by: number) =>
      stored(type, [
        [by, 0],
        [by, -by],
      ]).tensor
    const key = stored(type, normals(new Random(1), 2, 2)).tensor
    const expected = infoNce(rows(1), key, { reduction: 'none' })
    const { value, grad } = infoNce.valueAndGrad(rows(large), key, { reduction: 'none' })
    expectAllUlps(value, expected, type, 4)
    for (const g of [...grad.query, ...grad.key]) expect(Number.isFinite(g)).toBe(true)
    // Norms below 1e-8 count as that, so the cosines are 0.
    for (const v of infoNce(rows(small), key, { reduction: 'none' })) expect(v).toBeCloseTo(Math.LN2, 6)
  })

  it('is the same everywhere', () => {
    const random = new Random(9)
    const query = stored(type, normals(random, 70, 150)).tensor
    const key = stored(type, normals(random, 301, 150)).tensor
    expectOneResult(() => {
      const { value, grad } = infoNce.valueAndGrad(query, key, { reduction: 'none' })
      return [value, grad.query, grad.key]
    })
  })
})

describe('infoNce', () => {
  it('knows the shapes that do not fit', () => {
    const rows = (n: number, d: number) => ({ data: new Float32Array(n * d), shape: [n, d] })
    expect(told(() => infoNce(rows(2, 3), rows(2, 4)))).toBe(
      'ERR_SHAPE: infoNce: key has shape [2, 4], query has shape [2, 3]. Their rows must have the same length.',
    )
    expect(told(() => infoNce(rows(3, 2), rows(2, 2)))).toBe(
      'ERR_SHAPE: infoNce: key has 2 rows, query has 3. It must have a row for each of them.',
    )
    expect(told(() => infoNce(new Float32Array(4), rows(2, 2)))).toMatch(
      /^ERR_SHAPE: infoNce: query is flat, with 4 elements\./,
    )
    expect(told(() => infoNce(rows(2, 0), rows(2, 0)))).toMatch(/A row must have at least one number/)
    expect(told(() => infoNce(rows(2, 2), rows(2, 2), { temperature: 0 }))).toMatch(
      /^ERR_OPTION: infoNce: temperature is 0/,
    )
  })

  it('of no rows is nothing', () => {
    const none = { data: new Float32Array(0), shape: [0, 4] }
    expect(infoNce(none, none)).toBeNaN()
    expect(infoNce(none, none, { reduction: 'sum' })).toBe(0)
    const key = { data: Float32Array.of(1, 2, 3, 4), shape: [1, 4] }
    expectAllSame(infoNce.grad(none, key, { reduction: 'sum' }).key, [0, 0, 0, 0])
  })
})

const CLUSTERS = [
  { name: 'ntXent', loss: ntXent, truth: clusterTruth(false) },
  { name: 'supCon', loss: supCon, truth: clusterTruth(true) },
] as const

describe.each(CLUSTERS)('$name', ({ name, loss, truth }) => {
  describe.each(FLOATS)('in %s', type => {
    it.each([
      [1, 2, 1],
      [2, 3, 1],
      [7, 4, 3],
      [18, 5, 4],
      [33, 130, 6],
      [270, 9, 40],
    ])(
      'sets positives against the others, for %i rows of %i numbers in %i clusters',
      (rows, columns, count) => {
        const random = new Random(rows)
        const { tensor, rows: embeddings } = stored(type, normals(random, rows, columns))
        const labels = Int32Array.from({ length: rows }, () => random.integer(count))
        const values = loss(tensor, labels, { temperature: 0.4, reduction: 'none' })
        expectAllUlps(values, truth(embeddings, Array.from(labels), 0.4), type, ULPS[type])
      },
    )

    it('has the slopes of its value as gradient', () => {
      const random = new Random(11)
      const { tensor, rows } = stored(type, normals(random, 9, 4))
      const labels = [0, 1, 0, 2, 1, 0, 3, 2, 2]
      const upstream = held(
        type,
        random.list(9, () => random.normal()),
      )
      const options = { temperature: 0.5, reduction: 'none', upstream: floats(type, upstream) } as const
      const { grad } = loss.valueAndGrad(tensor, labels, options)
      expectSlopes(
        grad.embeddings,
        slopes(rows, at => truth(at, labels, 0.5), upstream),
        type,
      )
    })

    it('leaves out anchors without positives, which stay in the denominators of others', () => {
      const random = new Random(13)
      const { tensor, rows } = stored(type, normals(random, 6, 3))
      const labels = Int8Array.of(4, -1, 4, 100, -7, 4)
      const expected = truth(rows, Array.from(labels), 0.5)
      const options = { temperature: 0.5 }
      const values = loss(tensor, labels, { ...options, reduction: 'none' })
      expectAllSame(
        [1, 3, 4].map(i => values[i] as number),
        [0, 0, 0],
      )
      expect(loss(tensor, labels, options)).toBeCloseTo(expected.reduce((a, b) => a + b) / 3, 6)
      const truths = slopes(rows, at => truth(at, Array.from(labels), 0.5), new Array(6).fill(1 / 3))
      expectSlopes(loss.grad(tensor, labels, options).embeddings, truths, type)
      const accumulator = loss.accumulator(options).update(tensor, labels)
      expect(accumulator.count).toBe(3)
    })

    it('is nothing where no label comes twice', () => {
      const { tensor } = stored(type, normals(new Random(1), 3, 2))
      const labels = Int32Array.of(1, 2, 3)
      expect(loss(tensor, labels)).toBeNaN()
      expect(loss(tensor, labels, { onEmpty: 'zero' })).toBe(0)
      expectAllSame(loss.grad(tensor, labels).embeddings, new Array(6).fill(0))
    })

    it('is 0 with gradient 0 where there is a single pair', () => {
      const { tensor } = stored(type, normals(new Random(2), 2, 3))
      expectSame(loss(tensor, [5, 5]), 0)
      for (const g of loss.grad(tensor, [5, 5]).embeddings) expect(Math.abs(g)).toBeLessThan(1e-14)
    })

    it('stays finite at the smallest temperatures', () => {
      const { tensor } = stored(type, normals(new Random(4), 8, 3))
      const { value, grad } = loss.valueAndGrad(tensor, [0, 0, 0, 1, 1, 1, 2, 3], {
        temperature: 1e-4,
        reduction: 'none',
      })
      for (const x of [...value, ...grad.embeddings]) expect(Number.isFinite(x)).toBe(true)
    })

    it('is the same everywhere', () => {
      const random = new Random(6)
      const { tensor } = stored(type, normals(random, 333, 140))
      const labels = Int32Array.from({ length: 333 }, () => random.integer(50))
      expectOneResult(() => {
        const { value, grad } = loss.valueAndGrad(tensor, labels, { reduction: 'none' })
        return [value, grad.embeddings]
      })
    })
  })

  it('compares labels of any integer type by their whole value', () => {
    const { tensor } = stored('float64', normals(new Random(8), 4, 3))
    const expected = loss(tensor, [0, 1, 0, 1], { reduction: 'none' })
    const big = BigInt64Array.of(2n ** 62n, 2n ** 62n + 1n, 2n ** 62n, 2n ** 62n + 1n)
    for (const labels of [
      big,
      Uint8Array.of(9, 8, 9, 8),
      Uint32Array.of(4e9, 1, 4e9, 1),
      Int16Array.of(-3, 0, -3, 0),
    ]) {
      expectAllSame(loss(tensor, labels, { reduction: 'none' }), expected)
    }
  })

  it('carries NaN to whoever is compared with it', () => {
    const values = loss({ data: Float32Array.of(1, Number.NaN, 3, 1), shape: [4, 1] }, [0, 0, 1, 1], {
      reduction: 'none',
    })
    expectAllSame(values, new Array(4).fill(Number.NaN))
  })

  it('knows labels and shapes that do not fit', () => {
    const rows = { data: new Float32Array(6), shape: [3, 2] }
    expect(told(() => loss(rows, [1, 2]))).toBe(
      `ERR_SHAPE: ${name}: labels has 2 elements. There must be one label for each of 3 rows.`,
    )
    expect(told(() => loss(rows, Float32Array.of(1, 2, 3) as never))).toMatch(
      /^ERR_DTYPE: .*labels is float32/,
    )
    expect(told(() => loss(new Int32Array(6) as never, [1, 2, 3]))).toMatch(
      /^ERR_DTYPE: .*embeddings is int32/,
    )
    expect(told(() => loss(new Float32Array(6), [1, 2, 3]))).toMatch(/^ERR_SHAPE: .*embeddings is flat/)
  })

  it.each(['float16', 'bfloat16'] as const)('computes %s as the float32 numbers that it holds', dtype => {
    const random = new Random(21)
    const [to, from] = dtype === 'float16' ? [toFloat16, fromFloat16] : [toBfloat16, fromBfloat16]
    const bits = Uint16Array.from({ length: 60 }, () => to(random.normal()))
    const wide = { data: Float32Array.from(bits, from), shape: [12, 5] }
    const half = { data: bits, dtype, shape: [12, 5] } as const
    const labels = Int32Array.from({ length: 12 }, (_, i) => i % 4)
    const options = { reduction: 'none' } as const
    const [a, b] = [loss.valueAndGrad(half, labels, options), loss.valueAndGrad(wide, labels, options)]
    expectAllSame(a.value, b.value)
    expectAllSame(a.grad.embeddings as Uint16Array, Uint16Array.from(b.grad.embeddings as Float32Array, to))
  })
})

interface Layer {
  readonly input: Rows
  readonly classes: Rows
  readonly bias: readonly number[]
}

const logitsOf = ({ input, classes, bias }: Layer): number[][] =>
  input.map(x => classes.map((w, c) => dot(x, w) + (bias[c] ?? 0)))

describe.each(FLOATS)('linearCrossEntropy in %s', type => {
  const random = new Random(17)
  const [rows, columns, count] = [37, 19, 53]
  const input = stored(type, normals(random, rows, columns))
  const classes = stored(type, normals(random, count, columns))
  const bias = held(
    type,
    random.list(count, () => random.normal()),
  )
  const weight = held(
    type,
    random.list(count, () => 0.25 + random.uniform()),
  )
  const target = Int32Array.from({ length: rows }, () =>
    random.integer(6) === 0 ? -100 : random.integer(count),
  )
  const layer: Layer = { input: input.rows, classes: classes.rows, bias }
  const logits = { data: new Float64Array(logitsOf(layer).flat()), shape: [rows, count] }
  const given = [input.tensor, classes.tensor, target] as const

  it.each([0, 0.1, 1])('is the cross-entropy of the logits, with smoothing %f', labelSmoothing => {
    const options = { labelSmoothing, reduction: 'none' } as const
    const values = linearCrossEntropy(...given, {
      ...options,
      bias: floats(type, bias),
      weight: floats(type, weight),
    })
    const truth = crossEntropy(logits, target, { ...options, weight: Float64Array.from(weight) })
    expectAllUlps(values, truth, type, type === 'float32' ? 1 : 400)
  })

  it('divides the mean by the weights of the labels', () => {
    const options = { bias: floats(type, bias), weight: floats(type, weight) }
    const value = linearCrossEntropy(...given, options)
    expect(value).toBeCloseTo(crossEntropy(logits, target, { weight: Float64Array.from(weight) }), 6)
    expect(linearCrossEntropy(...given)).toBeCloseTo(
      crossEntropy(
        { data: new Float64Array(logitsOf({ ...layer, bias: [] }).flat()), shape: [rows, count] },
        target,
      ),
      6,
    )
    const accumulator = linearCrossEntropy.accumulator(options)
    for (const [from, to] of [
      [0, 5],
      [5, 37],
    ] as const) {
      const part = {
        data: input.tensor.data.slice(from * columns, to * columns),
        shape: [to - from, columns],
      }
      accumulator.update(part, classes.tensor, target.slice(from, to))
    }
    expect(accumulator.value).toBe(value)
    const restored = linearCrossEntropy.accumulator.fromBytes(accumulator.toBytes())
    expect(restored.value).toBe(value)
    expect(told(() => restored.update(...given))).toMatch(/give weight and bias to fromBytes/)
    const other = { ...options, bias: floats(type, weight) }
    expect(told(() => linearCrossEntropy.accumulator.fromBytes(accumulator.toBytes(), other))).toMatch(
      /bias is one tensor/,
    )
  })

  it.each([0, 0.2])(
    'has the gradients of the logits, through the layer, with smoothing %f',
    labelSmoothing => {
      const options = { labelSmoothing, weight: floats(type, weight), bias: floats(type, bias) }
      const { grad } = linearCrossEntropy.valueAndGrad(...given, options)
      const through = crossEntropy.grad(logits, target, {
        labelSmoothing,
        weight: Float64Array.from(weight),
      }).logits
      const slope = (i: number, c: number) => through[i * count + c] as number
      const byInput = input.rows.flatMap((x, i) =>
        x.map((_, k) => classes.rows.reduce((sum, w, c) => sum + slope(i, c) * (w[k] as number), 0)),
      )
      const byClass = classes.rows.flatMap((w, c) =>
        w.map((_, k) => input.rows.reduce((sum, x, i) => sum + slope(i, c) * (x[k] as number), 0)),
      )
      const byBias = bias.map((_, c) => input.rows.reduce((sum, _, i) => sum + slope(i, c), 0))
      expectSlopes(grad.input, byInput, type, 'input')
      expectSlopes(grad.linearWeight, byClass, type, 'linearWeight')
      expectSlopes(grad.bias as Floats, byBias, type, 'bias')
    },
  )

  it('has no gradient of a bias that is not there', () => {
    expect(Object.keys(linearCrossEntropy.grad(...given))).toEqual(['input', 'linearWeight'])
  })

  it('gives ignored rows value 0 and gradient 0, whatever they hold', () => {
    const data = floats(type, [1, 2, Number.NaN, Number.POSITIVE_INFINITY])
    const two = { data: floats(type, [1, 0, 0, 1]), shape: [2, 2] }
    const { value, grad } = linearCrossEntropy.valueAndGrad({ data, shape: [2, 2] }, two, [1, -100], {
      reduction: 'none',
      bias: floats(type, [0, 0]),
    })
    const alone = linearCrossEntropy.valueAndGrad({ data: data.slice(0, 2), shape: [1, 2] }, two, [1], {
      reduction: 'none',
      bias: floats(type, [0, 0]),
    })
    expectAllSame(value, [alone.value[0] as number, 0])
    expectAllSame(grad.input, [...alone.grad.input, 0, 0])
    expectAllSame(grad.linearWeight, alone.grad.linearWeight)
    expectAllSame(grad.bias as Floats, alone.grad.bias as Floats)
  })

  it('of ignored rows only is NaN, with gradient 0', () => {
    const ignored = new Int32Array(rows).fill(-100)
    expect(linearCrossEntropy(input.tensor, classes.tensor, ignored)).toBeNaN()
    expect(linearCrossEntropy(input.tensor, classes.tensor, ignored, { onEmpty: 'zero' })).toBe(0)
    const grad = linearCrossEntropy.grad(input.tensor, classes.tensor, ignored)
    expectAllSame(grad.input, new Float64Array(rows * columns))
    expectAllSame(grad.linearWeight, new Float64Array(count * columns))
  })

  it('keeps the digits of confident rows', () => {
    const x = { data: floats(type, [40]), shape: [1, 1] }
    const w = { data: floats(type, [1, 0.25]), shape: [2, 1] }
    const { value, grad } = linearCrossEntropy.valueAndGrad(x, w, [0], { reduction: 'none' })
    expectAllUlps(value, [Math.log1p(Math.exp(-30))], type, 4)
    expectAllUlps(
      grad.linearWeight,
      [-40, 40].map(k => k / (1 + Math.exp(30))),
      type,
      4,
    )
  })

  it('is the same everywhere, over several strips of classes', () => {
    const narrow = stored(type, normals(random, 5, 3)).tensor
    const many = stored(type, normals(random, 9001, 3)).tensor
    const labels = Int32Array.of(0, 9000, 4096, 4095, -100)
    const dense = stored(type, normals(random, 150, 140)).tensor
    const wide = stored(type, normals(random, 300, 140)).tensor
    const denseLabels = Int32Array.from({ length: 150 }, (_, i) => 2 * i)
    expectOneResult(() =>
      (
        [
          [narrow, many, labels],
          [dense, wide, denseLabels],
        ] as const
      ).flatMap(([x, w, y]) => {
        const options = {
          reduction: 'none',
          labelSmoothing: 0.1,
          bias: floats(type, new Float64Array(w.shape[0] as number).fill(0.5)),
        } as const
        const { value, grad } = linearCrossEntropy.valueAndGrad(x, w, y, options)
        return [value, grad.input, grad.linearWeight, grad.bias as Floats]
      }),
    )
  })
})

describe('linearCrossEntropy', () => {
  const rows = (n: number, d: number) => ({ data: new Float32Array(n * d), shape: [n, d] })

  it('refuses labels that name no class, wherever they stand', async () => {
    const message =
      'linearCrossEntropy: target[1] is 3. A class label must be from 0 to 2, or ignoreIndex, which is -100.'
    expect(told(() => linearCrossEntropy(rows(2, 4), rows(3, 4), [0, 3]))).toBe(`ERR_LABEL: ${message}`)
    expect(told(() => linearCrossEntropy.grad(rows(2, 4), rows(3, 4), [0, 3]))).toBe(`ERR_LABEL: ${message}`)
    const error = await rejected(linearCrossEntropy.async(rows(2, 4), rows(3, 4), [0, 3]))
    expect(error.message).toBe(message)
    expect(told(() => linearCrossEntropy(rows(1, 4), rows(3, 4), [-1]))).toMatch(/^ERR_LABEL/)
    expect(linearCrossEntropy(rows(2, 4), rows(3, 4), [0, 7], { ignoreIndex: 7 })).toBeCloseTo(Math.log(3), 6)
  })

  it('knows sizes that do not fit', () => {
    const call = (options: object) => () => linearCrossEntropy(rows(2, 4), rows(3, 4), [0, 1], options)
    expect(told(call({ bias: new Float32Array(2) }))).toMatch(
      /^ERR_SHAPE: .*bias has 2 elements.*each of 3 classes/,
    )
    expect(told(call({ weight: new Float32Array(4) }))).toMatch(
      /^ERR_SHAPE: .*weight has 4 elements.*each of 3 classes/,
    )
    expect(told(call({ bias: 1 }))).toMatch(/^ERR_DTYPE/)
    expect(told(call({ labelSmoothing: 2 }))).toMatch(/^ERR_OPTION/)
    expect(told(() => linearCrossEntropy(rows(2, 4), rows(3, 5), [0, 1]))).toMatch(
      /^ERR_SHAPE: .*same length/,
    )
    expect(told(() => linearCrossEntropy(rows(2, 4), rows(3, 4), [0]))).toMatch(
      /^ERR_SHAPE: .*one label for each of 2 rows/,
    )
    expect(told(() => linearCrossEntropy(rows(2, 4), rows(3, 4), new Float32Array(2) as never))).toMatch(
      /^ERR_DTYPE/,
    )
    const half = { data: new Uint16Array(12), dtype: 'bfloat16', shape: [3, 4] } as const
    expect(told(() => linearCrossEntropy(rows(2, 4), half as never, [0, 1]))).toMatch(
      /^ERR_DTYPE: .*linearWeight is bfloat16/,
    )
  })

  it('gives a row the same value among few rows, whose classes threads share, as among many', () => {
    const random = new Random(29)
    const [count, classes] = [4100, 4200]
    const x = stored('float32', normals(random, count, 1)).tensor
    const w = stored('float32', normals(random, classes, 1)).tensor
    const target = Int32Array.from({ length: count }, () => random.integer(classes))
    const all = linearCrossEntropy(x, w, target, { reduction: 'none' })
    const few = { data: x.data.slice(-40), shape: [40, 1] }
    expectAllSame(linearCrossEntropy(few, w, target.slice(-40), { reduction: 'none' }), all.slice(-40))
  })

  it('computes half precision as the float32 numbers that it holds', () => {
    const random = new Random(23)
    const bits = (n: number) => Uint16Array.from({ length: n }, () => toBfloat16(random.normal()))
    const [x, w, b] = [bits(24), bits(40), bits(5)]
    const wide = (data: Uint16Array) => Float32Array.from(data, fromBfloat16)
    const half = <const S extends number[]>(data: Uint16Array, ...shape: S) =>
      ({ data, dtype: 'bfloat16', shape }) as const
    const a = linearCrossEntropy.valueAndGrad(half(x, 3, 8), half(w, 5, 8), [0, 4, 2], { bias: half(b, 5) })
    const c = linearCrossEntropy.valueAndGrad(
      { data: wide(x), shape: [3, 8] },
      { data: wide(w), shape: [5, 8] },
      [0, 4, 2],
      { bias: wide(b) },
    )
    expect(a.value).toBe(c.value)
    for (const name of ['input', 'linearWeight', 'bias'] as const) {
      expectAllSame(
        a.grad[name] as Uint16Array,
        Uint16Array.from(c.grad[name] as Float32Array, toBfloat16),
        name,
      )
    }
  })

  it('of no rows is nothing, and its classes have gradient 0', () => {
    expect(linearCrossEntropy(rows(0, 4), rows(3, 4), new Int32Array(0))).toBeNaN()
    const grad = linearCrossEntropy.grad(rows(0, 4), rows(3, 4), new Int32Array(0), { reduction: 'sum' })
    expectAllSame(grad.linearWeight, new Float32Array(12))
  })
})
