import { describe, expect, it } from 'vitest'
import {
  expectAllNear,
  expectAllPrinted,
  expectAllSame,
  expectAllUlps,
  expectCode,
  expectPrinted,
  expectSame,
} from '../support/expect.ts'
import { FLOATS, floats, held, matrix, zeros } from '../support/floats.ts'
import { expectSlopes, loose, meanOf, slopesOf, valuesOf } from '../support/loose.ts'
import { Random } from '../support/random.ts'
import { run } from '../support/raw.ts'

const poissonNll = loose('poissonNll')
const gaussianNll = loose('gaussianNll')
const klDiv = loose('klDiv')
const inf = Number.POSITIVE_INFINITY
const { NaN: nan } = Number

describe.each(FLOATS)('poissonNll in %s', type => {
  const one = (x: number, t: number, options = {}) =>
    meanOf(poissonNll, [floats(type, [x]), floats(type, [t])], options)

  it('is the rate less the target times its logarithm', () => {
    // e - 2
    expectPrinted(one(1, 2), '0.718281828', type)
    expectAllPrinted(
      slopesOf(poissonNll, [floats(type, [1]), floats(type, [2])]).pred as Float64Array,
      ['0.718281828'],
      type,
    )
    // 2 - 2 log 2, with slope 0 at the target
    expectPrinted(one(2, 2, { logInput: false, eps: 0 }), '0.613705639', type)
    expectAllSame(
      slopesOf(poissonNll, [floats(type, [2, 1]), floats(type, [2, 3])], { logInput: false, eps: 0 })
        .pred as Float64Array,
      [0, -2],
    )
  })

  it('adds the logarithm of t! for t > 1 if it is to be full', () => {
    // 2 log 2 - 2 + ½ log 4π
    expectPrinted(one(1, 2, { full: true }) - one(1, 2), '0.651806', type)
    expectSame(one(1, 1, { full: true }), one(1, 1))
    expectSame(one(1, 0, { full: true }), one(1, 0))
  })

  it('of no events costs the rate alone, up to an infinite logarithm', () => {
    expectAllSame(valuesOf(poissonNll, [floats(type, [0, -inf]), zeros(type, 2)]), [1, 0])
    expectAllSame(
      valuesOf(poissonNll, [floats(type, [0, 3]), zeros(type, 2)], { logInput: false, eps: 0 }),
      [0, 3],
    )
    expectAllSame(valuesOf(poissonNll, [floats(type, [-inf, 1e4, inf]), floats(type, [1, 1, 1])]), [
      inf,
      inf,
      inf,
    ])
  })

  it('keeps a rate of 0 finite by eps', () => {
    // -log 10^-8
    expectPrinted(one(0, 1, { logInput: false }), '18.420680744', type)
    expectSame(one(0, 1, { logInput: false, eps: 0 }), inf)
  })

  it('passes NaN, and gives it for a negative rate', () => {
    expectAllSame(valuesOf(poissonNll, [floats(type, [nan, 1]), floats(type, [1, nan])]), [nan, nan])
    expectAllSame(
      valuesOf(poissonNll, [floats(type, [-1, nan]), floats(type, [1, 0])], { logInput: false }),
      [nan, nan],
    )
  })

  it.each([{ eps: -1 }, { logInput: 1 }, { full: 'yes' }])('refuses %o', options => {
    expectCode(() => one(1, 1, options), 'ERR_OPTION')
  })
})

describe.each(FLOATS)('gaussianNll in %s', type => {
  const of = (...inputs: number[]) => inputs.map(x => floats(type, [x]))

  it('is half of log v + d²/v', () => {
    expectSame(meanOf(gaussianNll, of(3, 1, 1)), 2)
    // ½(log 4 + 4/4)
    expectPrinted(meanOf(gaussianNll, of(3, 1, 4)), '1.193147181', type)
    // and ½ log 2π
    expectPrinted(meanOf(gaussianNll, of(3, 1, 1), { full: true }), '2.918938533', type)
  })

  it('takes a variance of eps at least, below which its gradient goes on', () => {
    // ½(log 10^-6 + 10^6)
    expectPrinted(meanOf(gaussianNll, of(1, 0, 0)), type === 'float32' ? '499993.1' : '499993.092', type)
    const { mean, variance } = slopesOf(gaussianNll, of(1, 0, 0))
    expectAllPrinted(mean as Float64Array, ['1e6'], type)
    // ½(10^6 - 10^12)
    expectAllPrinted(
      variance as Float64Array,
      type === 'float32' ? ['-4.999995e11'] : ['-499999500000'],
      type,
    )
    expectSame(meanOf(gaussianNll, of(1, 0, 0.25), { eps: 1 }), 0.5)
  })

  it('has gradients by the mean and by the variance', () => {
    const { mean, variance } = slopesOf(gaussianNll, of(3, 1, 4))
    expectAllSame(mean as Float64Array, [0.5])
    // ½(1/4 - 4/16)
    expectAllSame(variance as Float64Array, [0])
    const half = gaussianNll.grad(floats(type, [1, 2]), floats(type, [0, 2]), floats(type, [0.5, 1]))
    expect(Object.keys(half as object)).toEqual(['mean', 'variance'])
  })

  it('refuses a negative variance, and says where', () => {
    const error = expectCode(
      () => gaussianNll(floats(type, [1, 1]), floats(type, [0, 0]), floats(type, [1, -1])),
      'ERR_DOMAIN',
    )
    expect(error.index).toBe(1)
    expect(error.message).toBe('gaussianNll: variance[1] is -1. A variance must not be negative.')
    expectCode(() => gaussianNll.grad(...of(1, 0, -1e-30)), 'ERR_DOMAIN')
  })

  it('passes NaN from any input', () => {
    for (const bad of [0, 1, 2])
      expectSame(meanOf(gaussianNll, of(...[0, 1, 2].map(i => (i === bad ? nan : 1)))), nan)
  })

  it('weighs both gradients, also from above', () => {
    const inputs = [floats(type, [3, 3]), floats(type, [1, 1]), floats(type, [2, 2])]
    const weight = floats(type, [1, 2])
    const upstream = floats(type, [-1, 3])
    // d/v = 1, ½(½ - 1) = -¼
    const { mean, variance } = slopesOf(gaussianNll, inputs, { weight, upstream, reduction: 'none' })
    expectAllSame(mean as Float64Array, [-1, 6])
    expectAllSame(variance as Float64Array, [0.25, -1.5])
  })

  it('refuses a variance of another size or type', () => {
    const [mean, target] = of(1, 1)
    expectCode(() => gaussianNll(mean, target, floats(type, [1, 1])), 'ERR_SHAPE')
    expectCode(() => gaussianNll(mean, target, Int32Array.of(1)), 'ERR_DTYPE')
    expectCode(() => gaussianNll(mean, target, mean, { eps: 0 }), 'ERR_OPTION')
  })
})

describe.each(FLOATS)('klDiv in %s', type => {
  const x = matrix(type, [[Math.log(0.9), Math.log(0.1)]])
  const t = matrix(type, [[0.5, 0.5]])

  it('is t (log t - x), the mean over all elements', () => {
    expectAllPrinted(valuesOf(klDiv, [x, t]), ['-0.293893332', '0.804718956'], type)
    expectPrinted(meanOf(klDiv, [x, t], { reduction: 'sum' }), '0.5108256', type)
    expectPrinted(meanOf(klDiv, [x, t]), '0.2554128', type)
    expectAllSame(slopesOf(klDiv, [x, t]).pred as Float64Array, [-0.5, -0.5])
  })

  it('divides by the first dimension as batchmean, value and gradient', () => {
    expectPrinted(meanOf(klDiv, [x, t], { reduction: 'batchmean' }), '0.5108256', type)
    const two = matrix(type, [
      [-1, -1, -1],
      [-2, -2, -2],
    ])
    const mass = matrix(type, [
      [0, 1, 0],
      [1, 0, 0],
    ])
    expectSame(meanOf(klDiv, [two, mass], { reduction: 'batchmean' }), 1.5)
    expectSame(meanOf(klDiv, [two, mass]), 0.5)
    const { pred } = slopesOf(klDiv, [two, mass], { reduction: 'batchmean' })
    expectAllSame(pred as Float64Array, [0, -0.5, 0, -0.5, 0, 0])
    // Flat inputs are as many samples as elements; a divisor is one.
    expectSame(meanOf(klDiv, [two.data, mass.data], { reduction: 'batchmean' }), 0.5)
    expectSame(meanOf(klDiv, [two, mass], { reduction: 'batchmean', divisor: 3 }), 1)
    expectSame(meanOf(klDiv, [floats(type, []), floats(type, [])], { reduction: 'batchmean' }), nan)
    expectCode(() => klDiv.accumulator({ reduction: 'batchmean' }), 'ERR_OPTION')
    expectCode(() => loose('mse')(x, t, { reduction: 'batchmean' }), 'ERR_OPTION')
  })

  it('of an outcome without mass is 0, wherever the prediction is', () => {
    expectAllSame(valuesOf(klDiv, [floats(type, [-1, -inf]), zeros(type, 2)]), [0, 0])
    const none = floats(type, [-inf, -inf])
    expectAllSame(valuesOf(klDiv, [floats(type, [-1, -inf]), none], { logTarget: true }), [0, 0])
    expectAllSame(valuesOf(klDiv, [floats(type, [-inf]), floats(type, [0.5])]), [inf])
  })

  it('takes logarithms as its target', () => {
    const logs = floats(type, [Math.log(0.5), Math.log(0.5)])
    expectAllPrinted(valuesOf(klDiv, [x.data, logs], { logTarget: true }), ['-0.293893', '0.804719'], type)
    expectAllPrinted(
      slopesOf(klDiv, [x.data, logs], { logTarget: true }).pred as Float64Array,
      ['-0.5000000', '-0.5000000'],
      type,
    )
  })

  it('passes NaN, and gives it for a negative target', () => {
    const both = [floats(type, [nan, nan, -1, -1]), floats(type, [0.5, 0, nan, -0.5])]
    expectAllSame(valuesOf(klDiv, both), [nan, nan, nan, nan])
  })
})

describe('in float32, values are within 2 ulps and gradients within 10^-6', () => {
  const random = new Random(36)
  const x = random.list(4000, () => 2 * random.normal())
  const counts = random.list(4000, () => random.integer(12))
  const shares = random.list(4000, () => random.between(0.001, 1))
  const single = (values: readonly number[]) => floats('float32', values)
  const points = held('float32', x)

  it('of poissonNll', () => {
    const truth = points.map((a, i) => Math.exp(a) - (counts[i] as number) * a)
    expectAllUlps(valuesOf(poissonNll, [single(x), single(counts)]), truth, 'float32', 2)
    const slopes = points.map((a, i) => Math.exp(a) - (counts[i] as number))
    expectAllNear(
      slopesOf(poissonNll, [single(x), single(counts)]).pred as Float32Array,
      slopes,
      'float32',
      1e-6,
    )
    const rates = single(x.map(Math.exp))
    const options = { logInput: false, full: true }
    const full = Array.from(rates, (a, i) => {
      const t = counts[i] as number
      const stirling = t > 1 ? t * Math.log(t) - t + 0.5 * Math.log(2 * Math.PI * t) : 0
      return a - t * Math.log(a + 1e-8) + stirling
    })
    expectAllUlps(valuesOf(poissonNll, [rates, single(counts)], options), full, 'float32', 2)
    const bySide = Array.from(rates, (a, i) => 1 - (counts[i] as number) / (a + 1e-8))
    expectAllNear(
      slopesOf(poissonNll, [rates, single(counts)], options).pred as Float32Array,
      bySide,
      'float32',
      1e-6,
    )
  })

  it('of gaussianNll', () => {
    const [targets, variances] = [
      held('float32', shares),
      held(
        'float32',
        counts.map(n => n / 7),
      ),
    ]
    const inputs = [single(x), single(shares), single(variances)]
    const truths = points.map((a, i) => {
      const d = a - (targets[i] as number)
      const v = Math.max(variances[i] as number, 1e-6)
      return { value: 0.5 * (Math.log(v) + (d * d) / v), mean: d / v, variance: 0.5 * (1 / v - (d / v) ** 2) }
    })
    expectAllUlps(
      valuesOf(gaussianNll, inputs),
      truths.map(t => t.value),
      'float32',
      2,
    )
    const { mean, variance } = slopesOf(gaussianNll, inputs)
    expectAllNear(
      mean as Float32Array,
      truths.map(t => t.mean),
      'float32',
      1e-6,
    )
    expectAllNear(
      variance as Float32Array,
      truths.map(t => t.variance),
      'float32',
      1e-6,
    )
  })

  it('of klDiv', () => {
    const targets = held('float32', shares)
    const truth = points.map((a, i) => (targets[i] as number) * (Math.log(targets[i] as number) - a))
    expectAllUlps(valuesOf(klDiv, [single(x), single(shares)]), truth, 'float32', 2)
    const logs = held('float32', shares.map(Math.log))
    const ofLogs = points.map((a, i) => Math.exp(logs[i] as number) * ((logs[i] as number) - a))
    const inputs = [single(x), single(logs)]
    expectAllUlps(valuesOf(klDiv, inputs, { logTarget: true }), ofLogs, 'float32', 2)
    const slopes = logs.map(log => -Math.exp(log))
    expectAllNear(slopesOf(klDiv, inputs, { logTarget: true }).pred as Float32Array, slopes, 'float32', 1e-6)
  })
})

describe('gradients are the slopes of', () => {
  const x = [-2.3, -0.7, 0.2, 0.9, 1.4, 3]
  const t = [0, 1, 2, 3, 0.5, 7]
  const v = [0.3, 0.7, 1, 2, 5, 9]
  it('poissonNll', () => {
    expectSlopes(poissonNll, [x, t], 0, 'pred', { full: true })
    expectSlopes(poissonNll, [v, t], 0, 'pred', { logInput: false })
  })
  it('gaussianNll', () => {
    expectSlopes(gaussianNll, [x, t, v], 0, 'mean')
    expectSlopes(gaussianNll, [x, t, v], 2, 'variance')
  })
  it('klDiv', () => {
    expectSlopes(klDiv, [x, t], 0, 'pred')
    expectSlopes(klDiv, [x, t.map(value => -value)], 0, 'pred', { logTarget: true })
  })
})

describe('the addon', () => {
  it('refuses a variance that repeats: its gradient would be too short', () => {
    const of = (length: number) => new Float32Array(length).fill(1)
    const shape = { rows: 4, columns: 0, inner: 0, others: 0 }
    const call = { kernel: 'gaussianNll', ...shape, params: [0, 1e-6] }
    expect(run({ ...call, inputs: [of(4), of(4), of(4)], grads: [of(4), of(4)] }).value).toBe(0)
    expect(() => run({ ...call, inputs: [of(4), of(4), of(2)], grads: [of(4), of(2)] })).toThrow(
      'sizes of the inputs',
    )
    expect(() => run({ ...call, inputs: [of(4), of(4), of(2)] })).toThrow('sizes of the inputs')
  })
})
