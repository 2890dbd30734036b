import { describe, expect, it } from 'vitest'
import { bce, crossEntropy, mae, mse } from '../../lib/index.ts'
import { thrown, told } from './thrown.ts'

const pred = () => Float32Array.of(1, 2, 3, 4)
const target = Float32Array.of(1, 1, 1, 1)

describe('a bound call', () => {
  it('computes anew from what the arrays hold', () => {
    const x = pred()
    const run = mse.bind(x, target)
    expect(run()).toBe(3.5)
    x.fill(2)
    expect(run()).toBe(1)
    expect([run.grad, run.values]).toEqual([undefined, undefined])
  })

  it('adds exactly what no double holds, and what is not finite, between runs that a double holds', () => {
    const x = pred()
    const run = mae.bind(x, new Float32Array(4), { reduction: 'sum' })
    expect(run()).toBe(10)
    x.set([2 ** 53, 1, 1, 2 ** -30])
    expect(run()).toBe(2 ** 53 + 2)
    x[2] = Number.NEGATIVE_INFINITY
    expect(run()).toBe(Number.POSITIVE_INFINITY)
    x.set(pred())
    expect(run()).toBe(10)
  })

  it('writes its gradient into the same array each time', () => {
    const x = pred()
    const run = mse.bind(x, target, { grad: true, upstream: 2 })
    const { pred: grad } = run.grad
    run()
    expect([...grad]).toEqual([0, 1, 2, 3])
    x.fill(1)
    run()
    expect(run.grad.pred).toBe(grad)
    expect([...grad]).toEqual([0, 0, 0, 0])
  })

  it('gives every value without reduction, in the same array each time', () => {
    const run = mse.bind(pred(), target, { reduction: 'none' })
    expect(run()).toBe(run.values)
    expect([...run.values]).toEqual([0, 1, 4, 9])
  })

  it('fills the buffers it was given, in place too', () => {
    const x = pred()
    const value = new Float32Array(4)
    const run = mse.bind(x, target, { grad: true, reduction: 'none', out: { pred: x, value } })
    expect(run()).toBe(value)
    expect(run.grad.pred).toBe(x)
    expect([...x, ...value]).toEqual([0, 2, 4, 6, 0, 1, 4, 9])
  })

  it('keeps its options, whatever is called in between', () => {
    const run = crossEntropy.bind(
      [
        [0, 0],
        [0, 0],
      ],
      [0, 1],
      { weight: [1, 3], reduction: 'sum' },
    )
    const expected = 4 * Math.LN2
    mse(pred(), target, { reduction: 'none' })
    crossEntropy([[1, 2]], [0], { labelSmoothing: 1 })
    expect(run()).toBeCloseTo(expected, 14)
    expect(run()).toBe(run())
  })

  it('gives 0 for nothing if so asked, each time anew', () => {
    const labels = Int32Array.of(-100)
    const run = crossEntropy.bind([[0, 0]], labels, { onEmpty: 'zero' })
    expect(run()).toBe(0)
    labels[0] = 1
    expect(run()).toBeCloseTo(Math.LN2, 14)
  })

  it('keeps its arrays alive when nobody else does', () => {
    const runs = Array.from({ length: 50 }, (_, i) =>
      mse.bind(new Float32Array(10_000).fill(i), new Float32Array(10_000), { grad: true }),
    )
    for (let i = 0; i < 3; i++) (globalThis.gc as () => void)()
    expect(runs.map(run => run())).toEqual(runs.map((_, i) => i * i))
  })

  it('tells in each run what is wrong with the values, and goes on when it is right again', () => {
    const p = Float32Array.of(0.5, 2)
    const run = bce.bind(p, Float32Array.of(0, 1))
    expect(thrown(run)).toMatchObject({ code: 'ERR_DOMAIN', index: 1, value: 2 })
    expect(thrown(run).message).toBe('bce: pred[1] is 2. A probability must lie in [0, 1].')
    p[1] = 0.5
    expect(run()).toBeCloseTo(Math.LN2, 6)
    const labels = Int32Array.of(5)
    expect(told(crossEntropy.bind([[0, 0]], labels))).toContain('ERR_LABEL: crossEntropy: target[0] is 5.')
  })
})

describe('memory that goes away under a bound call', () => {
  const GONE =
    'ERR_DETACHED: mse: the memory of an array is gone: its buffer was transferred or resized while the call still needed it.'
  const transfer = (array: Float32Array<ArrayBuffer>) =>
    structuredClone(array.buffer, { transfer: [array.buffer] })

  it.each(['pred', 'target', 'weight', 'upstream', 'value', 'grad'] as const)('is noticed: %s', name => {
    const arrays = Object.fromEntries(
      ['pred', 'target', 'weight', 'upstream', 'value', 'grad'].map(name => [name, new Float32Array(4)]),
    ) as Record<typeof name, Float32Array<ArrayBuffer>>
    const { weight, upstream, value, grad } = arrays
    const run = mse.bind(arrays.pred, arrays.target, {
      grad: true,
      reduction: 'none',
      weight,
      upstream,
      out: { value, pred: grad },
    })
    run()
    const moved = transfer(arrays[name])
    expect(told(run)).toBe(GONE)
    expect(told(run)).toBe(GONE)
    expect(moved.byteLength).toBe(16)
  })

  interface Resizable extends ArrayBuffer {
    resize(size: number): void
  }
  const resizable = (size: number, maxByteLength: number) =>
    new (ArrayBuffer as unknown as new (size: number, options: object) => Resizable)(size, { maxByteLength })

  it('is noticed where a buffer shrinks, whoever looks at it', () => {
    const buffer = resizable(32, 32)
    const run = mse.bind(new Float32Array(buffer, 16, 4), target)
    expect(run()).toBe(1)
    buffer.resize(24)
    expect(told(run)).toBe(GONE)
  })

  it('is no matter where a buffer shrinks beyond the arrays, or grows', () => {
    const buffer = resizable(32, 64)
    const run = mse.bind(new Float32Array(buffer, 0, 4), target)
    buffer.resize(16)
    expect(run()).toBe(1)
    buffer.resize(64)
    expect(run()).toBe(1)
  })

  it('is noticed although the array hides it', () => {
    const x = new (class extends Float32Array {
      override get length() {
        return 4
      }
    })(4)
    const run = mse.bind(x, target)
    transfer(x as Float32Array<ArrayBuffer>)
    expect(x.length).toBe(4)
    expect(told(run)).toBe(GONE)
  })
})
