import { describe, expect, it } from 'vitest'
import { expectAllNear, expectAllPrinted, expectAllSame, expectCode, expectSame } from '../support/expect.ts'
import { FLOATS, type Floats, floats, zeros } from '../support/floats.ts'
import { type LooseAccumulator, loose, meanOf } from '../support/loose.ts'
import { Random } from '../support/random.ts'

const rmse = loose('rmse')
const mse = loose('mse')
const predOf = (grad: unknown): Floats => (grad as { pred: Floats }).pred

describe.each(FLOATS)('rmse in %s', type => {
  const x = floats(type, [1, 2, 3, 4])
  const t = floats(type, [1, 1, 1, 3])

  it('is the root of the exact mean of squares', () => {
    // (0 + 1 + 4 + 1) / 4
    expectSame(meanOf(rmse, [x, t]), Math.sqrt(1.5))
    const random = new Random(33)
    const a = floats(
      type,
      random.list(1000, () => random.normal()),
    )
    const b = floats(
      type,
      random.list(1000, () => random.normal()),
    )
    expectSame(meanOf(rmse, [a, b]), Math.sqrt(meanOf(mse, [a, b])))
  })

  it('has the gradient d / (N rmse)', () => {
    // 0, 1, 2, 1 over 4 √1.5
    const printed = ['0', '0.204124145', '0.408248290', '0.204124145']
    expectAllPrinted(predOf(rmse.grad(x, t)), printed, type)
    expectAllPrinted(
      predOf(rmse.grad(x, t, { upstream: 2 })),
      ['0', '0.408248290', '0.816496581', '0.408248290'],
      type,
    )
  })

  it('has gradient 0 where all is right, not NaN', () => {
    const { value, grad } = rmse.valueAndGrad(x, x)
    expectSame(value as number, 0)
    expectAllSame(predOf(grad), [0, 0, 0, 0])
  })

  it('passes NaN into the value and all of the gradient', () => {
    const bad = floats(type, [1, Number.NaN, 3, 4])
    expectSame(meanOf(rmse, [bad, t]), Number.NaN)
    expectAllSame(predOf(rmse.grad(bad, t)), new Array(4).fill(Number.NaN))
  })

  it('is NaN for an empty batch, or 0 if asked', () => {
    const empty = zeros(type, 0)
    expectSame(meanOf(rmse, [empty, empty]), Number.NaN)
    expectSame(meanOf(rmse, [empty, empty], { onEmpty: 'zero' }), 0)
    expect(predOf(rmse.grad(empty, empty)).length).toBe(0)
  })

  it('weighs squares, and divides by N or by the divisor', () => {
    const weight = floats(type, [1, 4, 0, 8])
    // (4 + 8) / 4, and 12 / 3
    expectSame(meanOf(rmse, [x, t], { weight }), Math.sqrt(3))
    expectSame(meanOf(rmse, [x, t], { weight, divisor: 3 }), 2)
    // w d / (3 · 2)
    expectAllNear(predOf(rmse.grad(x, t, { weight, divisor: 3 })), [0, 4 / 6, 0, 8 / 6], type, 1e-6)
  })

  it('gives the same in every form, also in place', async () => {
    const value = meanOf(rmse, [x, t])
    const grad = predOf(rmse.grad(x, t))
    const both = rmse.valueAndGrad(x, t)
    expectSame(both.value as number, value)
    expectAllSame(predOf(both.grad), grad)
    expectSame((await rmse.async(x, t)) as number, value)
    expectAllSame(predOf(await rmse.async.grad(x, t)), grad)
    const later = (await rmse.async.valueAndGrad(x, t)) as { value: number; grad: unknown }
    expectSame(later.value, value)
    expectAllSame(predOf(later.grad), grad)
    const own = x.slice()
    expect(predOf(rmse.grad(own, t, { out: { pred: own } }))).toBe(own)
    expectAllSame(own, grad)
  })

  it('follows its arrays when bound', () => {
    const own = x.slice()
    const run = rmse.bind(own, t, { grad: true })
    expectSame(run() as number, Math.sqrt(1.5))
    own.set([1, 1, 1, 7])
    expectSame(run() as number, 2)
    expectAllSame(predOf(run.grad), [0, 0, 0, 0.5])
    expectSame(rmse.bind(own, t)() as number, 2)
  })

  it('accumulates squares, and takes the root of the mean of all batches', () => {
    const parts: LooseAccumulator[] = [0, 2].map(at =>
      rmse.accumulator().update(x.slice(at, at + 2), t.slice(at, at + 2)),
    )
    const [first, second] = parts as [LooseAccumulator, LooseAccumulator]
    expectSame(first.value, Math.sqrt(0.5))
    expectSame(first.merge(second).value, Math.sqrt(1.5))
    expect(first.count).toBe(4)
    expectSame(rmse.accumulator.fromBytes(first.toBytes()).value, Math.sqrt(1.5))
    expectCode(() => mse.accumulator.fromBytes(first.toBytes()), 'ERR_STATE')
  })

  it('has no value for an element and no sum', () => {
    for (const reduction of ['none', 'sum', 'batchmean']) {
      expectCode(() => rmse(x, t, { reduction }), 'ERR_OPTION')
      expectCode(() => rmse.grad(x, t, { reduction }), 'ERR_OPTION')
    }
    expectCode(() => rmse.accumulator({ reduction: 'sum' }), 'ERR_OPTION')
  })
})

describe('a bound rmse', () => {
  it('notices that the memory of its gradient is gone', () => {
    const pred = new Float32Array(4)
    const run = rmse.bind(Float32Array.of(1, 2, 3, 4), new Float32Array(4), { grad: true, out: { pred } })
    run()
    structuredClone(pred.buffer, { transfer: [pred.buffer] })
    expectCode(run, 'ERR_DETACHED')
  })
})
