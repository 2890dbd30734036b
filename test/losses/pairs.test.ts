/** Losses of vectors against their formulas: every case in every shape. */

import { describe, expect, it } from 'vitest'
import { told } from '../lib/thrown.ts'
import {
  expectAllNear,
  expectAllSame,
  expectAllUlps,
  expectCode,
  expectSame,
  expectUlps,
} from '../support/expect.ts'
import { FLOATS, type Floats, floats } from '../support/floats.ts'
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from '../support/half.ts'
import {
  CASES,
  type Case,
  contrastive,
  cosineEmbedding,
  given,
  gradientPenalty,
  inputsOf,
  rowInputs,
  SHAPES,
  slopes,
  sum,
  triplet,
} from '../support/pair-losses.ts'
import { Random } from '../support/random.ts'

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
