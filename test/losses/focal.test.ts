import { describe, it } from 'vitest'
import {
  expectAllNear,
  expectAllPrinted,
  expectAllSame,
  expectAllUlps,
  expectCode,
} from '../support/expect.ts'
import { FLOATS, floats, held } from '../support/floats.ts'
import { expectSlopes, loose, slopesOf, valuesOf } from '../support/loose.ts'
import { Random } from '../support/random.ts'

const sigmoidFocal = loose('sigmoidFocal')
const bceWithLogits = loose('bceWithLogits')
const inf = Number.POSITIVE_INFINITY
const { NaN: nan } = Number

const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
const sigmoid = (x: number) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)))

/** Value and slope with u, the probability of being wrong, as a sum of terms that are not negative. */
function truth(x: number, t: number, alpha: number, gamma: number): { value: number; grad: number } {
  const u = sigmoid(x) * (1 - t) + sigmoid(-x) * t
  const cost = softplus(x) * (1 - t) + softplus(-x) * t
  const weight = alpha < 0 ? 1 : alpha * t + (1 - alpha) * (1 - t)
  const right = sigmoid(x) * sigmoid(-x)
  const error = sigmoid(x) * (1 - t) - sigmoid(-x) * t
  const value = weight * u ** gamma * cost
  const grad = weight * (u ** gamma * error + gamma * u ** (gamma - 1) * (1 - 2 * t) * right * cost)
  return { value, grad }
}

describe.each(FLOATS)('sigmoidFocal in %s', type => {
  const x = floats(type, [0, 2, -3, 5])
  const t = floats(type, [1, 1, 1, 0])

  it('is α (1 - p)^γ times the cross-entropy of positives, (1 - α) p^γ that of negatives', () => {
    const printed = ['0.043321699', '4.5089071e-4', '0.691570110', '3.704940916']
    const slopes = ['-0.074571699', '-1.2177350e-3', '-0.281687470', '0.784634882']
    expectAllPrinted(valuesOf(sigmoidFocal, [x, t]), printed, type)
    expectAllPrinted(slopesOf(sigmoidFocal, [x, t]).pred as Float64Array, slopes, type)
  })

  it('weighs both alike with alpha below 0', () => {
    // log 2 / 4
    expectAllPrinted(
      valuesOf(sigmoidFocal, [floats(type, [0, 0]), floats(type, [0, 1])], { alpha: -1 }),
      ['0.173286795', '0.173286795'],
      type,
    )
  })

  it('with gamma 0 is the weighted cross-entropy, also for large logits', () => {
    const logits = floats(type, [-100, -1, 0, 2, 100, 100])
    const targets = floats(type, [1, 0, 1, 0.5, 0, 1])
    const options = { alpha: -1, gamma: 0 }
    const both = [logits, targets]
    const limit = type === 'float32' ? 1e-6 : 1e-14
    expectAllNear(valuesOf(sigmoidFocal, both, options), valuesOf(bceWithLogits, both), type, limit, {
      slack: [0, 0, 0, 0, 0, 1e-37],
    })
    expectAllNear(
      slopesOf(sigmoidFocal, both, options).pred as Float64Array,
      slopesOf(bceWithLogits, both).pred as Float64Array,
      type,
      limit,
      { slack: [0, 0, 0, 0, 0, 1e-37] },
    )
  })

  it.each([0, 0.3, 0.5, 1, 1.5, 2, 5])('with gamma %d is finite and settled for saturated logits', gamma => {
    const logits = floats(type, [1000, -1000, inf, -inf, 1000, -1000])
    const targets = floats(type, [1, 0, 1, 0, 0, 1])
    const options = { alpha: -1, gamma }
    expectAllSame(valuesOf(sigmoidFocal, [logits, targets], options), [0, 0, 0, 0, 1000, 1000])
    expectAllSame(
      slopesOf(sigmoidFocal, [logits, targets], options).pred as Float64Array,
      [0, 0, 0, 0, 1, -1],
    )
  })

  it('is infinite, with slope 1, for an infinite logit on the wrong side', () => {
    const both = [floats(type, [inf, -inf]), floats(type, [0, 1])]
    expectAllSame(valuesOf(sigmoidFocal, both, { alpha: -1 }), [inf, inf])
    expectAllSame(slopesOf(sigmoidFocal, both, { alpha: -1 }).pred as Float64Array, [1, -1])
  })

  it('passes NaN', () => {
    const both = [floats(type, [nan, 1]), floats(type, [1, nan])]
    expectAllSame(valuesOf(sigmoidFocal, both), [nan, nan])
    expectAllSame(slopesOf(sigmoidFocal, both).pred as Float64Array, [nan, nan])
  })

  it.each([{ alpha: 1.5 }, { alpha: nan }, { alpha: -inf }, { gamma: -1 }, { gamma: inf }])(
    'refuses %o',
    options => {
      expectCode(() => sigmoidFocal(x, t, options), 'ERR_OPTION')
    },
  )
})

describe.each([0, 0.3, 0.5, 1, 2, 3.7])('sigmoidFocal with gamma %d', gamma => {
  const random = new Random(34)
  const x = random.list(4000, () => 5 * random.normal())
  const hard = random.list(4000, () => random.integer(2))
  const soft = random.list(4000, () => random.uniform())

  it.each([
    ['labels', hard],
    ['soft targets', soft],
  ])('is within 2 ulps in float32, its gradient within 10^-6, of %s', (_, t) => {
    const batch = [floats('float32', x), floats('float32', t)]
    const targets = held('float32', t)
    const points = held('float32', x).map((logit, i) => truth(logit, targets[i] as number, 0.3, gamma))
    const options = { alpha: 0.3, gamma }
    expectAllUlps(
      valuesOf(sigmoidFocal, batch, options),
      points.map(p => p.value),
      'float32',
      2,
    )
    // Soft targets have a minimum inside, where the slope is a difference of terms as large as the value.
    const scale = points.map(p => Math.max(Math.abs(p.grad), t === soft ? p.value : 0))
    expectAllNear(
      slopesOf(sigmoidFocal, batch, options).pred as Float32Array,
      points.map(p => p.grad),
      'float32',
      1e-6,
      { scale },
    )
  })

  it('has a gradient that is its slope', () => {
    const logits = [-6, -2, -0.5, 0, 0.3, 1, 4]
    expectSlopes(sigmoidFocal, [logits, [1, 0, 1, 0, 0.25, 0.75, 1]], 0, 'pred', { gamma })
  })
})
