import { describe, expect, it } from 'vitest'
import { expectAllPrinted, expectAllSame, expectPrinted, expectSame } from '../support/expect.ts'
import { FLOATS, floats } from '../support/floats.ts'
import { mae, mbe, mse } from '../support/losses.ts'

describe.each(FLOATS)('the losses of plain differences in %s', type => {
  const pred = floats(type, [1, 2.5, -3, 4])
  const target = floats(type, [1, 2, -1, 8])

  it('mse is the mean of squared differences, without a half', () => {
    // 0, 0.25, 4, 16
    expectAllSame(mse(pred, target, { reduction: 'none' }), [0, 0.25, 4, 16])
    expectSame(mse(pred, target), 5.0625)
    expectSame(mse(pred, target, { reduction: 'sum' }), 20.25)
    expectAllSame(mse.grad(pred, target, { reduction: 'sum' }).pred, [0, 1, -4, -8])
    expectAllSame(mse.grad(pred, target).pred, [0, 0.25, -1, -2])
  })

  it('mbe is target minus prediction, so a prediction that is too high gives a negative bias', () => {
    // 0, -0.5, 2, 4
    expectAllSame(mbe(pred, target, { reduction: 'none' }), [0, -0.5, 2, 4])
    expectSame(mbe(pred, target), 1.375)
    expectSame(mbe(floats(type, [3]), floats(type, [1])), -2)
    expectAllSame(mbe.grad(pred, target).pred, [-0.25, -0.25, -0.25, -0.25])
  })

  it('mae is the mean of absolute differences, with gradient 0 at the kink', () => {
    expectAllSame(mae(pred, target, { reduction: 'none' }), [0, 0.5, 2, 4])
    expectSame(mae(pred, target), 1.625)
    expectAllSame(mae.grad(pred, target, { reduction: 'sum' }).pred, [0, 1, -1, -1])
  })

  it('a perfect prediction has no loss', () => {
    for (const loss of [mse, mbe, mae]) expectSame(loss(pred, pred), 0)
  })

  it('infinite differences give infinite losses, and inf - inf gives NaN', () => {
    const inf = Number.POSITIVE_INFINITY
    const x = floats(type, [inf, -inf, inf, 0])
    const t = floats(type, [0, 0, inf, inf])
    expectAllSame(mse(x, t, { reduction: 'none' }), [inf, inf, Number.NaN, inf])
    expectAllSame(mbe(x, t, { reduction: 'none' }), [-inf, inf, Number.NaN, inf])
    expectAllSame(mae(x, t, { reduction: 'none' }), [inf, inf, Number.NaN, inf])
    expectAllSame(mse.grad(x, t, { reduction: 'sum' }).pred, [inf, -inf, Number.NaN, -inf])
    expectAllSame(mae.grad(x, t, { reduction: 'sum' }).pred, [1, -1, Number.NaN, -1])
  })

  it('a difference too large to square overflows only in its own sample', () => {
    const huge = type === 'float32' ? 3e38 : 1.7e308
    const values = mse(floats(type, [huge, 1]), floats(type, [0, 0]), { reduction: 'none' })
    expectAllSame(values, [Number.POSITIVE_INFINITY, 1])
  })

  it('a difference too small to square gives 0, and keeps its gradient', () => {
    const tiny = type === 'float32' ? 2 ** -140 : 2 ** -1060
    const x = floats(type, [tiny])
    const t = floats(type, [0])
    expectSame(mse(x, t), 0)
    expectAllSame(mse.grad(x, t).pred, [2 * tiny])
    expectSame(mae(x, t), tiny)
  })
})

describe('the mean over many elements', () => {
  it('of 1 392 640 differences of 0.1 is 0.01, not 0.00984 as a float32 sum gives', () => {
    const length = 5 * 68 * 64 * 64
    const pred = new Float32Array(length).fill(0.1)
    const target = new Float32Array(length)
    // Every term is the float32 nearest to fround(0.1)², and so is their mean.
    expectSame(mse(pred, target), Math.fround(Math.fround(0.1) ** 2))
    expectPrinted(mse(pred, target), '0.0100000', 'float32')
  })

  it('of more than 2^24 ones is 1 and their sum is their number', () => {
    const length = 2 ** 24 + 3
    const pred = new Float32Array(length).fill(1)
    const target = new Float32Array(length)
    expectSame(mae(pred, target), 1)
    expectSame(mae(pred, target, { reduction: 'sum' }), 16777219)
    expectSame(mbe(pred, target, { reduction: 'sum' }), -16777219)
  })
})

describe('float32 terms', () => {
  it('are rounded once each before they are summed', () => {
    const values = mse(new Float32Array([0.1, 0.2]), new Float32Array([0, 0]), { reduction: 'none' })
    expect(values).toBeInstanceOf(Float32Array)
    expectAllPrinted(values, ['0.0100000', '0.0400000'], 'float32')
  })
})
