import { describe, it } from 'vitest'
import {
  expectAllNear,
  expectAllPrinted,
  expectAllSame,
  expectPrinted,
  expectSame,
} from '../support/expect.ts'
import { FLOATS, floats } from '../support/floats.ts'
import { bceWithLogits } from '../support/losses.ts'

const inf = Number.POSITIVE_INFINITY

describe.each(FLOATS)('bceWithLogits in %s', type => {
  const one = (x: number, t: number, options = {}) =>
    bceWithLogits(floats(type, [x]), floats(type, [t]), options)
  const slope = (x: number, t: number, options = {}) =>
    bceWithLogits.grad(floats(type, [x]), floats(type, [t]), options).pred[0] as number

  it('is log 2 without a slope between two equal chances', () => {
    expectPrinted(one(0, 0.5), '0.693147181', type)
    expectSame(slope(0, 0.5), 0)
  })

  it('is log(1 + e^-3) for a positive with the logit 3', () => {
    // gradient -1 / (1 + e^3)
    expectPrinted(one(3, 1), '0.048587352', type)
    expectPrinted(slope(3, 1), '-0.047425873', type)
  })

  it('is not cut off for a confident wrong logit', () => {
    expectPrinted(one(100, 0), '100', type)
    expectPrinted(one(-100, 1), '100', type)
    expectPrinted(one(-1e9, 1), '1e9', type)
    expectSame(slope(-1e9, 1), -1)
    expectSame(slope(1e9, 0), 1)
  })

  it('keeps the small loss of a confident right logit', () => {
    expectPrinted(one(20, 1), '2.0611536e-9', type)
    expectPrinted(one(-20, 0), '2.0611536e-9', type)
  })

  it('keeps the small gradient of a confident right logit, where PyTorch gives 0', () => {
    // -1 / (1 + e^20), and e^-80 which float32 still holds
    expectPrinted(slope(20, 1), '-2.0611536e-9', type)
    expectPrinted(slope(-20, 0), '2.0611536e-9', type)
    expectPrinted(slope(80, 1), '-1.8048514e-35', type)
  })

  it('keeps values and gradients down to the smallest normal numbers', () => {
    // e^-87 = 1.6458115e-38, e^-708 = 3.307553003638408e-308
    const far = type === 'float32' ? 87 : 708
    const printed = type === 'float32' ? '1.6458115e-38' : '3.3075530036384e-308'
    expectPrinted(one(far, 1), printed, type)
    expectPrinted(-slope(far, 1), printed, type)
    expectPrinted(one(-far, 0), printed, type)
  })

  it('counts positives posWeight times', () => {
    expectPrinted(one(0, 1, { posWeight: 3 }), '2.079441542', type)
    expectSame(slope(0, 1, { posWeight: 3 }), -1.5)
    expectPrinted(one(0, 0, { posWeight: 3 }), '0.693147181', type)
    // (1 - t) softplus(x) + 3 t softplus(-x) with t = ½: 2 log 2
    expectPrinted(one(0, 0.5, { posWeight: 3 }), '1.386294361', type)
  })

  it('takes a posWeight per class', () => {
    const logits = { data: floats(type, [0, 0, 0, 0]), shape: [2, 2] }
    const target = { data: floats(type, [1, 1, 1, 0]), shape: [2, 2] }
    const posWeight = floats(type, [3, 2])
    expectAllPrinted(
      bceWithLogits(logits, target, { posWeight, reduction: 'none' }),
      ['2.079441542', '1.386294361', '2.079441542', '0.693147181'],
      type,
    )
    expectAllPrinted(
      bceWithLogits.grad(logits, target, { posWeight, reduction: 'sum' }).pred,
      ['-1.5', '-1', '-1.5', '0.5'],
      type,
    )
  })

  it('has the limit 0 at x = +inf against 1 and x = -inf against 0, where PyTorch gives NaN', () => {
    expectSame(one(inf, 1), 0)
    expectSame(one(-inf, 0), 0)
    expectSame(slope(inf, 1), 0)
    expectSame(slope(-inf, 0), 0)
    expectSame(one(inf, 1, { posWeight: 3 }), 0)
    expectSame(slope(inf, 1, { posWeight: 3 }), 0)
    expectSame(one(-inf, 0, { posWeight: 3 }), 0)
  })

  it('is infinite for an infinite wrong logit, with a finite gradient', () => {
    expectSame(one(inf, 0), inf)
    expectSame(one(-inf, 1), inf)
    expectSame(one(inf, 0.5), inf)
    expectSame(slope(inf, 0), 1)
    expectSame(slope(-inf, 1), -1)
    expectSame(slope(inf, 0.25), 0.75)
    expectSame(slope(-inf, 1, { posWeight: 3 }), -3)
  })

  it('gives NaN for NaN in the logit or in the target', () => {
    expectSame(one(Number.NaN, 1), Number.NaN)
    expectSame(one(1, Number.NaN), Number.NaN)
    expectSame(slope(Number.NaN, 0), Number.NaN)
    expectSame(slope(1, Number.NaN), Number.NaN)
  })

  it('weighs values and gradients, and does not divide by the weights', () => {
    const x = floats(type, [0, 0])
    const t = floats(type, [1, 0])
    const weight = floats(type, [3, 1])
    expectPrinted(bceWithLogits(x, t, { weight }), '1.386294361', type)
    expectAllSame(bceWithLogits.grad(x, t, { weight }).pred, [-0.75, 0.25])
  })

  it('keeps the sum of two terms that would cancel in max(x, 0) - x t', () => {
    // x (1 - t) + log1p(e^-x) with t one step below 1
    const t = type === 'float32' ? 1 - 2 ** -24 : 1 - 2 ** -53
    expectAllNear([one(50, t)], [50 * (1 - t) + Math.exp(-50)], type, type === 'float32' ? 2e-7 : 4e-16)
  })

  it('takes labels of 0 and 1 as integers', () => {
    const x = floats(type, [2, -1])
    for (const labels of [Uint8Array.of(1, 0), Int32Array.of(1, 0), BigInt64Array.of(1n, 0n)]) {
      expectAllSame(
        bceWithLogits(x, labels, { reduction: 'none' }),
        bceWithLogits(x, floats(type, [1, 0]), { reduction: 'none' }),
      )
    }
  })
})
