/** ntXent and supCon against the sums over all positives written out in float64. */

import { describe, expect, it } from 'vitest'
import { ntXent, supCon } from '../../lib/index.ts'
import { told } from '../lib/thrown.ts'
import { expectAllSame, expectAllUlps, expectSame } from '../support/expect.ts'
import { FLOATS, held } from '../support/floats.ts'
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from '../support/half.ts'
import { Random } from '../support/random.ts'
import {
  cosine,
  expectOneResult,
  expectSlopes,
  floats,
  logOnePlus,
  mean,
  normals,
  type Rows,
  slopes,
  stored,
  ULPS,
} from '../support/vectors.ts'

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
