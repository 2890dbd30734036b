import { describe, expect, it } from 'vitest'
import { expectAllPrinted, expectAllSame, expectCode, expectPrinted, expectSame } from '../support/expect.ts'
import { FLOATS, floats } from '../support/floats.ts'
import { bce } from '../support/losses.ts'

describe.each(FLOATS)('bce in %s', type => {
  const one = (p: number, t: number) => bce(floats(type, [p]), floats(type, [t]))
  const slope = (p: number, t: number) => bce.grad(floats(type, [p]), floats(type, [t])).pred[0] as number

  it('is high for a confident wrong probability: p = 0.011 against label 1', () => {
    // -log 0.011
    expectPrinted(one(0.011, 1), type === 'float32' ? '4.50986' : '4.509860006183766', type)
  })

  it('is 0 for a perfect model', () => {
    expectSame(one(0, 0), 0)
    expectSame(one(1, 1), 0)
  })

  it('cuts logarithms off at -100', () => {
    expectSame(one(0, 1), 100)
    expectSame(one(1, 0), 100)
    expectSame(one(0, 0.5), 50)
    expectSame(one(1, 0.25), 75)
    // -log of the smallest float32 is 103.28
    expectSame(one(2 ** -149, 1), 100)
  })

  it('keeps a gradient that the cut off logarithm would lose', () => {
    expectPrinted(slope(0, 1), '-1e12', type)
    expectPrinted(slope(1, 0), '1e12', type)
    expectSame(slope(0, 0), 0)
    expectSame(slope(1, 1), 0)
  })

  it('has the gradient (p - t) / (p (1 - p))', () => {
    expectPrinted(slope(0.5, 1), '-2', type)
    expectPrinted(slope(0.25, 0), '1.333333333', type)
    expectPrinted(slope(0.75, 1), '-1.333333333', type)
    expectSame(slope(0.5, 0.5), 0)
  })

  it('keeps the loss of a small probability: log(1 - p) would give 0', () => {
    const p = floats(type, [1e-8])[0] as number
    // p + p²/2
    expectPrinted(one(1e-8, 0), type === 'float32' ? '1.0000000e-8' : '1.0000000050e-8', type)
    if (type === 'float32') expectSame(one(p, 0), p)
  })

  it('keeps the loss of the largest probability below 1', () => {
    // 24 log 2
    expectPrinted(one(1 - 2 ** -24, 0), '16.635532333', type)
  })

  it('takes probabilities as targets', () => {
    // -0.3 log 0.2 - 0.7 log 0.8
    expectPrinted(one(0.2, 0.3), type === 'float32' ? '0.639032' : '0.639031860', type)
  })

  it('weighs values and gradients, and does not divide by the weights', () => {
    const p = floats(type, [0.5, 0.5])
    const t = floats(type, [1, 0])
    const weight = floats(type, [3, 1])
    // (3 log 2 + log 2) / 2
    expectPrinted(bce(p, t, { weight }), '1.386294361', type)
    expectAllPrinted(bce(p, t, { weight, reduction: 'none' }), ['2.079441542', '0.693147181'], type)
    expectAllPrinted(bce.grad(p, t, { weight }).pred, ['-3', '1'], type)
  })

  it.each([1.0000001, -1e-8, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2])(
    'refuses the probability %d, naming where it stands',
    bad => {
      const pred = floats(type, [0.5, 0.25, bad, 0.5])
      const target = floats(type, [0, 1, 1, 0])
      const error = expectCode(() => bce(pred, target), 'ERR_DOMAIN')
      expect(error.index).toBe(2)
      expectSame(error.value as number, pred[2] as number)
    },
  )

  it.each([-1, 1.5, Number.NaN])('refuses the target %d, naming where it stands', bad => {
    const pred = floats(type, [0.5, 0.25, 0.5])
    const target = floats(type, [bad, 1, 0])
    const error = expectCode(() => bce(pred, target), 'ERR_DOMAIN')
    expect(error.index).toBe(0)
    expectSame(error.value as number, bad)
  })

  it('refuses a bad probability in every form of the call', () => {
    const pred = floats(type, [0.5, 2])
    const target = floats(type, [0, 1])
    expectCode(() => bce.grad(pred, target), 'ERR_DOMAIN')
    expectCode(() => bce.valueAndGrad(pred, target), 'ERR_DOMAIN')
    expectCode(() => bce(pred, target, { reduction: 'none' }), 'ERR_DOMAIN')
    expectCode(() => bce.accumulator().update(pred, target), 'ERR_DOMAIN')
  })

  it('takes labels of 0 and 1 as integers', () => {
    const p = floats(type, [0.25, 0.25])
    expectAllSame(
      bce(p, Uint8Array.of(1, 0), { reduction: 'none' }),
      bce(p, floats(type, [1, 0]), { reduction: 'none' }),
    )
  })
})

describe('bce', () => {
  it('names the first of several bad probabilities, wherever the threads are', () => {
    const pred = new Float32Array(300_000).fill(0.5)
    const target = new Float32Array(300_000)
    for (const bad of [299_999, 200_000, 150_001, 7777]) pred[bad] = 1.5
    for (let i = 0; i < 20; i++) {
      expect(expectCode(() => bce(pred, target), 'ERR_DOMAIN').index).toBe(7777)
    }
  })
})
