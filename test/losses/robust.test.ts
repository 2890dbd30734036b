import { describe, it } from 'vitest'
import { expectAllNear, expectAllSame, expectAllUlps, expectCode, expectPrinted } from '../support/expect.ts'
import { FLOATS, floats, held, zeros } from '../support/floats.ts'
import { expectSlopes, loose, meanOf, slopesOf, valuesOf } from '../support/loose.ts'
import { Random } from '../support/random.ts'

const smoothL1 = loose('smoothL1')
const logCosh = loose('logCosh')
const quantile = loose('quantile')
const inf = Number.POSITIVE_INFINITY
const { NaN: nan } = Number

const random = new Random(31)
const PRED = random.list(4000, () => 3 * random.normal())
const TARGET = random.list(4000, () => 3 * random.normal())

/** The difference of what float32 holds, which float64 gets almost exactly. */
const differences = held('float32', PRED).map(
  (x, i) => x - (held('float32', [TARGET[i] as number])[0] as number),
)
const BATCH = [floats('float32', PRED), floats('float32', TARGET)]

describe.each(FLOATS)('smoothL1 in %s', type => {
  const d = floats(type, [-3, -2, -1, 0, 0.5, 2, 5])
  const zero = zeros(type, 7)

  it('is the Huber loss divided by beta', () => {
    // huber with delta 2 is 4, 2, ½, 0, ⅛, 2, 8
    expectAllSame(valuesOf(smoothL1, [d, zero], { beta: 2 }), [2, 1, 0.25, 0, 0.0625, 1, 4])
    expectAllSame(
      slopesOf(smoothL1, [d, zero], { beta: 2 }).pred as Float64Array,
      [-1, -1, -0.5, 0, 0.25, 1, 1],
    )
  })

  it('is the absolute difference where beta is 0, with gradient 0 at the kink', () => {
    expectAllSame(valuesOf(smoothL1, [d, zero], { beta: 0 }), [3, 2, 1, 0, 0.5, 2, 5])
    expectAllSame(slopesOf(smoothL1, [d, zero], { beta: 0 }).pred as Float64Array, [-1, -1, -1, 0, 1, 1, 1])
  })

  it('takes a beta too small to be divided by, and one too large to be reached', () => {
    expectAllSame(valuesOf(smoothL1, [d, zero], { beta: 5e-324 }), [3, 2, 1, 0, 0.5, 2, 5])
    const wide = valuesOf(smoothL1, [floats(type, [2 ** 100]), floats(type, [0])], { beta: 2 ** 200 })
    expectAllSame(wide, [0.5])
  })

  it('passes NaN, and is infinite at infinity', () => {
    const x = floats(type, [nan, 1, inf, -inf, inf])
    const t = floats(type, [0, nan, 0, 0, inf])
    expectAllSame(valuesOf(smoothL1, [x, t]), [nan, nan, inf, inf, nan])
    expectAllSame(slopesOf(smoothL1, [x, t]).pred as Float64Array, [nan, nan, 1, -1, nan])
  })

  it.each([-1, nan, inf])('refuses beta %d', beta => {
    expectCode(() => smoothL1(d, zero, { beta }), 'ERR_OPTION')
  })
})

describe.each(FLOATS)('logCosh in %s', type => {
  const one = (d: number) => meanOf(logCosh, [floats(type, [d]), floats(type, [0])])

  it('does not overflow where cosh does', () => {
    // 100 - log 2
    expectPrinted(one(100), type === 'float32' ? '99.30685' : '99.30685281944', type)
    expectPrinted(one(-100), type === 'float32' ? '99.30685' : '99.30685281944', type)
    expectAllSame(valuesOf(logCosh, [floats(type, [1e30, -inf, nan]), zeros(type, 3)]), [
      floats(type, [1e30])[0] as number,
      inf,
      nan,
    ])
  })

  it('keeps the digits of small differences: half the square', () => {
    const d = floats(type, [1e-4])[0] as number
    expectAllUlps([one(1e-4)], [(d * d) / 2 - d ** 4 / 12], type, 2)
    const tiny = 2 ** -60
    expectAllSame([one(tiny)], [tiny * tiny * 0.5])
  })

  it('has the hyperbolic tangent as its gradient', () => {
    const d = floats(type, [-inf, -30, -0.5, 0, 1e-20, 1, 30, nan])
    const truth = Array.from(d, Math.tanh)
    const { pred } = slopesOf(logCosh, [d, zeros(type, 8)]) as { pred: Float64Array }
    expectAllUlps(pred.slice(0, 7), truth.slice(0, 7), type, type === 'float32' ? 1 : 4)
    expectAllSame(pred.slice(7), [nan])
  })
})

describe.each(FLOATS)('quantile in %s', type => {
  const x = floats(type, [1, 3, 2, nan, inf])
  const t = floats(type, [2, 2, 2, 2, 0])

  it('weighs what lies below the target by tau, what lies above by 1 - tau', () => {
    expectAllSame(valuesOf(quantile, [x, t], { tau: 0.75 }), [0.75, 0.25, 0, nan, inf])
    expectAllSame(slopesOf(quantile, [x, t], { tau: 0.75 }).pred as Float64Array, [-0.75, 0.25, 0, nan, 0.25])
  })

  it('is half of mae by default', () => {
    expectAllSame(valuesOf(quantile, [x, t]).slice(0, 3), [0.5, 0.5, 0])
  })

  it.each([-0.1, 1.1, nan])('refuses tau %d', tau => {
    expectCode(() => quantile(x, t, { tau }), 'ERR_OPTION')
  })
})

describe('in float32, values are within 2 ulps and gradients within 10^-6', () => {
  const check = (
    loss: ReturnType<typeof loose>,
    options: Record<string, unknown>,
    value: (d: number) => number,
    slope: (d: number) => number,
  ) => {
    expectAllUlps(valuesOf(loss, BATCH, options), differences.map(value), 'float32', 2)
    expectAllNear(
      slopesOf(loss, BATCH, options).pred as Float32Array,
      differences.map(slope),
      'float32',
      1e-6,
    )
  }

  it('of smoothL1', () => {
    const beta = 1.3
    check(
      smoothL1,
      { beta },
      d => (Math.abs(d) < beta ? (0.5 * d * d) / beta : Math.abs(d) - 0.5 * beta),
      d => Math.max(-1, Math.min(1, d / beta)),
    )
  })

  it('of logCosh', () => {
    // log cosh d = log(1 + 2 sinh²(d/2))
    check(logCosh, {}, d => Math.log1p(2 * Math.sinh(d / 2) ** 2), Math.tanh)
  })

  it('of quantile', () => {
    const tau = 0.9
    check(
      quantile,
      { tau },
      d => (d < 0 ? -tau * d : (1 - tau) * d),
      d => (d < 0 ? -tau : 1 - tau),
    )
  })
})

describe('gradients are the slopes of', () => {
  // Away from the corners at 0 and 1.3.
  const d = [-4, -1.5, -1, -0.3, 0.2, 0.9, 1.7, 12]
  const t = d.map((_, i) => i / 3 - 1)
  const x = d.map((difference, i) => difference + (t[i] as number))

  it('smoothL1', () => expectSlopes(smoothL1, [x, t], 0, 'pred', { beta: 1.3 }))
  it('logCosh', () => expectSlopes(logCosh, [x, t], 0, 'pred'))
  it('quantile', () => expectSlopes(quantile, [x, t], 0, 'pred', { tau: 0.2 }))
})
