/** infoNce against the softmax of all cosines written out in float64. */

import { describe, expect, it } from 'vitest'
import { infoNce } from '../../lib/index.ts'
import { told } from '../lib/thrown.ts'
import { expectAllSame, expectAllUlps } from '../support/expect.ts'
import { FLOATS, held } from '../support/floats.ts'
import { Random } from '../support/random.ts'
import {
  cosine,
  expectOneResult,
  expectSlopes,
  floats,
  normals,
  type Rows,
  slopes,
  stored,
  surprise,
  ULPS,
} from '../support/vectors.ts'

const infoNceTruth = (query: Rows, key: Rows, temperature: number): number[] =>
  query.map((q, i) =>
    surprise(
      key.map(k => cosine(q, k) / temperature),
      i,
    ),
  )

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
