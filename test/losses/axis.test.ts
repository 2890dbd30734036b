/**
 * Class scores along any axis. What is expected are the bits of the same rows laid out one after the other: the axis changes
 * where numbers lie, nothing else.
 */

import { describe, expect, it } from 'vitest'
import * as losskit from '../../lib/index.ts'
import { told } from '../lib/thrown.ts'
import { expectAllSame, expectPrinted, expectSame } from '../support/expect.ts'
import { toBfloat16, toFloat16 } from '../support/half.ts'
import { type AnyLoss, exportedLosses } from '../support/losses.ts'
import { Random } from '../support/random.ts'

const all = new Map(exportedLosses().map(loss => [loss.lossName, loss]))
const LOSSES = ['crossEntropy', 'nll', 'softmaxFocal', 'poly1', 'multiMargin', 'multiclassHinge']
const named = (name: string): AnyLoss => all.get(name) as AnyLoss
const { crossEntropy } = losskit

type Data = Float32Array | Float64Array | Uint16Array
const TYPES = ['float32', 'float64', 'float16', 'bfloat16'] as const
type Type = (typeof TYPES)[number]

function stored(type: Type, values: readonly number[]): Data {
  if (type === 'float64') return Float64Array.from(values)
  if (type === 'float32') return Float32Array.from(values)
  return Uint16Array.from(values, type === 'float16' ? toFloat16 : toBfloat16)
}

/** [outer, classes, inner] as [outer * inner, classes]. */
function asRows<T extends Data>(data: T, outer: number, classes: number, inner: number): T {
  const rows = data.slice() as T
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      for (let c = 0; c < classes; c++) {
        rows[(o * inner + i) * classes + c] = data[(o * classes + c) * inner + i] as number
      }
    }
  }
  return rows
}

/** outer, classes, inner: few classes and many, runs shorter and longer than a vector and than a tile. */
const SHAPES = [
  [1, 1, 5],
  [3, 2, 2],
  [2, 21, 15],
  [2, 3, 300],
  [1, 32, 257],
  [4, 33, 17],
  [2, 100, 40],
  [1, 600, 70],
  [2, 4097, 3],
  [1, 5000, 17],
] as const

function batch(type: Type, outer: number, classes: number, inner: number) {
  const random = new Random(outer * classes * inner)
  const rows = outer * inner
  const data = stored(
    type,
    random.list(rows * classes, () => 3 * random.normal()),
  )
  const labels = Int32Array.from(random.list(rows, () => random.integer(classes)))
  const upstream = Float32Array.from(random.list(rows, () => random.normal()))
  const weight = Float32Array.from(random.list(classes, () => 0.25 * (1 + random.integer(8))))
  return { random, rows, data, labels, upstream, weight }
}

describe.each(TYPES)('in %s', type => {
  describe.each(SHAPES)('[%i, %i, %i]', (outer, classes, inner) => {
    const { random, rows, data, labels, upstream, weight } = batch(type, outer, classes, inner)
    const apart = { data, dtype: type, shape: [outer, classes, inner] }
    const dense = { data: asRows(data, outer, classes, inner), dtype: type, shape: [rows, classes] }

    it.each(LOSSES)('%s has the bits of dense rows', name => {
      const loss = named(name)
      const ignores = name !== 'multiMargin' && name !== 'multiclassHinge'
      const some = ignores ? labels.map((label, r) => (r % 7 === 3 ? -100 : label)) : labels
      const weighted = ['crossEntropy', 'nll', 'multiMargin'].includes(name) ? [{ weight }] : []
      const smoothed = name === 'crossEntropy' ? [{ labelSmoothing: 0.125, weight }] : []
      for (const options of [{}, ...weighted, ...smoothed]) {
        const none = { ...options, reduction: 'none' as const, upstream }
        const [a, b] = [loss.valueAndGrad(apart, some, none), loss.valueAndGrad(dense, some, none)]
        const key = Object.keys(a.grad)[0] as string
        expectAllSame(a.value, b.value)
        expectAllSame(asRows(a.grad[key] as Data, outer, classes, inner), b.grad[key] as Data)
        const [c, d] = [loss.valueAndGrad(apart, some, options), loss.valueAndGrad(dense, some, options)]
        expectSame(c.value, d.value)
        expectSame(loss(apart, some, options), d.value)
        expectAllSame(asRows(c.grad[key] as Data, outer, classes, inner), d.grad[key] as Data)
      }
    })

    it('crossEntropy of probabilities has the bits of dense rows', () => {
      const q = stored(
        type,
        random.list(rows * classes, () => random.uniform()),
      )
      const target = { data: q, dtype: type, shape: [outer, classes, inner] }
      const denseTarget = { data: asRows(q, outer, classes, inner), dtype: type, shape: [rows, classes] }
      for (const options of [{}, { weight, labelSmoothing: 0.25 }]) {
        const a = named('crossEntropy').valueAndGrad(apart, target, options)
        const b = named('crossEntropy').valueAndGrad(dense, denseTarget, options)
        expectSame(a.value, b.value)
        expectAllSame(asRows(a.grad.logits as Data, outer, classes, inner), b.grad.logits)
      }
    })

    it.each(LOSSES)('the gradient of %s may be written over its input', name => {
      const loss = named(name)
      const once = loss.valueAndGrad(apart, labels)
      const key = Object.keys(once.grad)[0] as string
      const own = data.slice()
      const both = loss.valueAndGrad({ ...apart, data: own }, labels, { out: { [key]: own } })
      expectSame(both.value, once.value)
      expectAllSame(own, once.grad[key] as Data)
    })
  })
})

it('many positions are shared by threads, and the bits stay', () => {
  const [outer, classes, inner] = [3, 21, 40_000]
  const { rows, data, labels } = batch('float32', outer, classes, inner)
  const apart = { data, shape: [outer, classes, 200, 200] }
  const dense = { data: asRows(data, outer, classes, inner), shape: [rows, classes] }
  const target = { data: labels, shape: [outer, 200, 200] }
  for (const name of LOSSES) {
    const loss = named(name)
    const [a, b] = [loss.valueAndGrad(apart, target), loss.valueAndGrad(dense, labels)]
    const key = Object.keys(a.grad)[0] as string
    expectSame(a.value, b.value)
    const [mine, theirs] = [asRows(a.grad[key] as Data, outer, classes, inner), b.grad[key] as Data]
    expect(mine.findIndex((value, i) => !Object.is(value, theirs[i]))).toBe(-1)
  }
})

describe('the axis', () => {
  // [2, 3, 2, 1]: rows [1, 2, 3], [0, 0, 0], [3, 2, 1], [5, 5, 5]
  const data = Float64Array.of(1, 0, 2, 0, 3, 0, 3, 5, 2, 5, 1, 5)
  const logits = { data, shape: [2, 3, 2, 1] }
  const labels = { data: Int32Array.of(2, 1, 2, -100), shape: [2, 2, 1] }
  const printed = ['0.407605964', '1.098612289', '2.407605964', '0']

  it('is 1, so that [N, C, H, W] takes labels [N, H, W] and gives as many values', () => {
    const values = crossEntropy(logits, labels, { reduction: 'none' })
    values.forEach((value, i) => {
      expectPrinted(value, printed[i] as string, 'float64')
    })
    expectPrinted(crossEntropy(logits, labels), '1.3046080725189568', 'float64')
  })

  it('may be given from the front or from the back', () => {
    const expected = crossEntropy(logits, labels)
    for (const axis of [1, -3]) expectSame(crossEntropy(logits, labels, { axis }), expected)
    const last = { data: asRows(data, 2, 3, 2), shape: [2, 2, 1, 3] }
    for (const axis of [3, -1]) expectSame(crossEntropy(last, labels, { axis }), expected)
    const first = { data: Float64Array.of(1, 0, 2, 0, 3, 0), shape: [3, 2] }
    expectPrinted(crossEntropy(first, Int32Array.of(2, 1), { axis: 0 }), '0.753109127', 'float64')
  })

  it('of one row is its only one', () => {
    const row = { data: Float64Array.of(1, 2, 3), shape: [3] }
    for (const axis of [0, 1, -1]) expectPrinted(crossEntropy(row, [2], { axis }), '0.407605964', 'float64')
  })

  it('belongs to an accumulator, through its bytes too', () => {
    const last = { data: asRows(data, 2, 3, 2), shape: [2, 2, 1, 3] }
    const accumulator = crossEntropy.accumulator({ axis: -1 }).update(last, labels)
    const restored = crossEntropy.accumulator.fromBytes(accumulator.toBytes()).update(last, labels)
    expectSame(restored.value, crossEntropy(logits, labels))
    expect(restored.count).toBe(6)
  })

  it('without positions is an empty batch', () => {
    const none = { data: new Float32Array(0), shape: [2, 3, 0, 4] }
    expect(crossEntropy(none, new Int32Array(0), { reduction: 'sum' })).toBe(0)
    expect(crossEntropy(none, new Int32Array(0))).toBeNaN()
  })

  it('names the label that is no class by its place', () => {
    const wrong = Int32Array.of(0, 1, 3, 0)
    for (const name of LOSSES) {
      expect(told(() => named(name)(logits, wrong))).toMatch(/^ERR_LABEL: \w+: target\[2\] is 3\./)
      expect(told(() => named(name).grad(logits, wrong, { reduction: 'sum' }))).toMatch(/target\[2\] is 3\./)
    }
  })

  it('must be one of the scores, and labels one for each position', () => {
    expect(told(() => crossEntropy(logits, labels, { axis: 4 }))).toBe(
      'ERR_OPTION: crossEntropy: axis is 4, but logits has shape [2, 3, 2, 1]. It must be from -4 to 3.',
    )
    expect(told(() => crossEntropy(logits, labels, { axis: -5 }))).toContain('ERR_OPTION')
    expect(told(() => crossEntropy(logits, labels, { axis: 0.5 }))).toContain('ERR_OPTION')
    expect(told(() => crossEntropy(logits, { data: labels.data, shape: [2, 1, 2] }))).toBe(
      'ERR_SHAPE: crossEntropy: target has shape [2, 1, 2], logits has shape [2, 3, 2, 1]. There must be one label for each of ' +
        '4 rows, in shape [2, 2, 1].',
    )
    expect(told(() => crossEntropy(logits, labels, { axis: 2 }))).toContain('ERR_SHAPE')
    expect(
      told(() => crossEntropy({ data: new Float32Array(0), shape: [2, 0, 3] }, new Int32Array(6))),
    ).toContain('A row must have at least one class.')
  })
})
