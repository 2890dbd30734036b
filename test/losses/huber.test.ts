import { describe, it } from 'vitest'
import { expectAllSame, expectCode, expectSame } from '../support/expect.ts'
import { FLOATS, floats } from '../support/floats.ts'
import { huber } from '../support/losses.ts'

describe.each(FLOATS)('huber in %s', type => {
  const d = floats(type, [-3, -2, -1, 0, 0.5, 2, 5])
  const zero = floats(type, [0, 0, 0, 0, 0, 0, 0])

  it('is half the square within delta, and a line beyond', () => {
    // 2 (3 - 1), 2 (2 - 1), 1/2, 0, 1/8, 2 (2 - 1), 2 (5 - 1)
    expectAllSame(huber(d, zero, { delta: 2, reduction: 'none' }), [4, 2, 0.5, 0, 0.125, 2, 8])
    expectSame(huber(d, zero, { delta: 2, reduction: 'sum' }), 16.625)
  })

  it('has the clamped difference as its gradient, continuous where the lines begin', () => {
    const { pred } = huber.grad(d, zero, { delta: 2, reduction: 'sum' })
    expectAllSame(pred, [-2, -2, -1, 0, 0.5, 2, 2])
  })

  it('takes 1 as its delta', () => {
    // ½·0.25 and 3 - ½
    expectAllSame(huber(floats(type, [0.5, 3]), floats(type, [0, 0]), { reduction: 'none' }), [0.125, 2.5])
  })

  it('is symmetric in prediction and target, with the gradient negated', () => {
    expectAllSame(
      huber(zero, d, { delta: 2, reduction: 'none' }),
      huber(d, zero, { delta: 2, reduction: 'none' }),
    )
    expectAllSame(huber.grad(zero, d, { delta: 2, reduction: 'sum' }).pred, [2, 2, 1, 0, -0.5, -2, -2])
  })

  it('is delta times as steep as mae far away, up to infinity', () => {
    const inf = Number.POSITIVE_INFINITY
    const far = floats(type, [1e30, -inf, inf])
    const { value, grad } = huber.valueAndGrad(far, floats(type, [0, 0, inf]), {
      delta: 0.5,
      reduction: 'none',
    })
    expectAllSame(value, [(floats(type, [1e30])[0] as number) * 0.5, inf, Number.NaN])
    expectAllSame(grad.pred, [0.5, -0.5, Number.NaN])
  })

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses delta %d', delta => {
    expectCode(() => huber(d, zero, { delta }), 'ERR_OPTION')
  })
})
