import { describe, expect, it } from 'vitest'
import {
  expectAllNear,
  expectAllPrinted,
  expectAllSame,
  expectAllUlps,
  expectCode,
} from '../support/expect.ts'
import { FLOATS, floats, held } from '../support/floats.ts'
import { expectSlopes, loose, meanOf, slopesOf, valuesOf } from '../support/loose.ts'
import { Random } from '../support/random.ts'

const hinge = loose('hinge')
const squaredHinge = loose('squaredHinge')
const softMargin = loose('softMargin')
const hingeEmbedding = loose('hingeEmbedding')
const marginRanking = loose('marginRanking')
const inf = Number.POSITIVE_INFINITY
const { NaN: nan } = Number

describe.each(FLOATS)('hinge in %s', type => {
  const x = floats(type, [0.5, 1, 2, -1, 0.5, -3])
  const t = floats(type, [1, 1, 1, 1, -1, -1])

  it('is what lacks to the margin, with gradient 0 on it', () => {
    expectAllSame(valuesOf(hinge, [x, t]), [0.5, 0, 0, 2, 1.5, 0])
    expectAllSame(slopesOf(hinge, [x, t]).pred as Float64Array, [-1, 0, 0, -1, 1, 0])
    expectAllSame(valuesOf(squaredHinge, [x, t]), [0.25, 0, 0, 4, 2.25, 0])
    expectAllSame(slopesOf(squaredHinge, [x, t]).pred as Float64Array, [-1, 0, 0, -4, 3, 0])
  })

  it('takes 0 for -1 only if told to', () => {
    const zeroOne = Uint8Array.of(1, 1, 1, 1, 0, 0)
    for (const loss of [hinge, squaredHinge]) {
      expectAllSame(valuesOf(loss, [x, zeroOne], { labels: '01' }), valuesOf(loss, [x, t]))
      const error = expectCode(() => loss(x, zeroOne), 'ERR_DOMAIN')
      expect(error.index).toBe(4)
      expect(error.message).toContain('target[4] is 0')
      expectCode(() => loss(x, t, { labels: '01' }), 'ERR_DOMAIN')
      expectCode(() => loss(x, t, { labels: '0/1' }), 'ERR_OPTION')
    }
  })

  it.each([0, 2, -2, 0.5, nan, inf])('refuses the label %d', label => {
    const labels = t.slice()
    labels[2] = label
    expect(expectCode(() => hinge(x, labels), 'ERR_DOMAIN').index).toBe(2)
    expectCode(() => squaredHinge.grad(x, labels), 'ERR_DOMAIN')
    expectCode(() => hinge.accumulator().update(x, labels), 'ERR_DOMAIN')
  })

  it('passes NaN scores', () => {
    const both = [floats(type, [nan, inf, -inf]), floats(type, [1, 1, 1])]
    expectAllSame(valuesOf(hinge, both), [nan, 0, inf])
    expectAllSame(slopesOf(hinge, both).pred as Float64Array, [nan, 0, -1])
    expectAllSame(valuesOf(squaredHinge, both), [nan, 0, inf])
  })
})

describe.each(FLOATS)('softMargin in %s', type => {
  const batch = (x: number[], t: number[]) => [floats(type, x), floats(type, t)]

  it('does not overflow, where PyTorch in float32 gives infinity', () => {
    expectAllSame(valuesOf(softMargin, batch([-100, -1e4], [1, 1])), [100, 1e4])
    expectAllSame(slopesOf(softMargin, batch([-100, 1e4], [1, -1])).pred as Float64Array, [-1, 1])
  })

  it('is the cross-entropy of logits, and keeps its small values', () => {
    // log 2, log(1 + e^-20)
    expectAllPrinted(
      valuesOf(softMargin, batch([0, 20, -20], [1, 1, -1])),
      ['0.693147181', '2.0611536e-9', '2.0611536e-9'],
      type,
    )
    expectAllPrinted(
      slopesOf(softMargin, batch([0, 20], [1, 1])).pred as Float64Array,
      ['-0.5', '-2.0611536e-9'],
      type,
    )
  })

  it('takes any number as its target', () => {
    // softplus(-2 · 0.75)
    expectAllPrinted(valuesOf(softMargin, batch([0.75], [2])), ['0.201413278'], type)
    expectAllSame(valuesOf(softMargin, batch([inf, -inf, nan, 1], [1, 1, 1, nan])), [0, inf, nan, nan])
    expectAllSame(slopesOf(softMargin, batch([inf, -inf], [1, 1])).pred as Float64Array, [0, -1])
  })
})

describe('softMargin in float32', () => {
  const random = new Random(35)
  const x = random.list(4000, () => 10 * random.normal())

  // The product of a score and a target that is no sign is rounded, and putting that back is one more rounding.
  it.each([
    ['labels', random.list(4000, () => 2 * random.integer(2) - 1), 2],
    ['other targets', random.list(4000, () => 3 * random.normal()), 2.5],
  ])('is precise for %s, its gradient within 10^-6', (_, t, ulps) => {
    const targets = held('float32', t)
    const z = held('float32', x).map((score, i) => -score * (targets[i] as number))
    const batch = [floats('float32', x), floats('float32', t)]
    // Beyond 80 the value lies near the smallest normal numbers.
    const slack = z.map(value => (value < -80 ? 1e-37 : 0))
    const truth = z.map(value => Math.max(value, 0) + Math.log1p(Math.exp(-Math.abs(value))))
    expectAllUlps(valuesOf(softMargin, batch), truth, 'float32', ulps, { slack })
    const slopes = z.map((value, i) => -(targets[i] as number) / (1 + Math.exp(-value)))
    expectAllNear(slopesOf(softMargin, batch).pred as Float32Array, slopes, 'float32', 1e-6, { slack })
  })
})

describe.each(FLOATS)('hingeEmbedding in %s', type => {
  const x = floats(type, [0.25, 0.25, 1, 2, 0.25, 2, -1])
  const t = floats(type, [1, -1, -1, -1, 0, 0, -1])

  it('is the distance of similar pairs, and what dissimilar ones lack to the margin', () => {
    // of other labels x + max(0, 1 - x)
    expectAllSame(valuesOf(hingeEmbedding, [x, t]), [0.25, 0.75, 0, 0, 1, 2, 2])
    // on the margin -1 as PyTorch's clamp_min
    expectAllSame(slopesOf(hingeEmbedding, [x, t]).input as Float64Array, [1, -1, -1, 0, 0, 1, -1])
  })

  it('adds both parts for the label 0, as PyTorch does', () => {
    expectAllSame(valuesOf(hingeEmbedding, [floats(type, [0.3]), Int8Array.of(0)]), [1])
  })

  it('has a margin', () => {
    expectAllSame(valuesOf(hingeEmbedding, [x, t], { margin: 0.5 }), [0.25, 0.25, 0, 0, 0.5, 2, 1.5])
    expectCode(() => hingeEmbedding(x, t, { margin: nan }), 'ERR_OPTION')
  })

  it('passes NaN', () => {
    const both = [floats(type, [nan, nan, nan]), floats(type, [1, -1, 0])]
    expectAllSame(valuesOf(hingeEmbedding, both), [nan, nan, nan])
    expectAllSame((slopesOf(hingeEmbedding, both).input as Float64Array).slice(1), [nan, nan])
  })
})

describe.each(FLOATS)('marginRanking in %s', type => {
  const x1 = floats(type, [1, 2, 3, 3, 0])
  const x2 = floats(type, [2, 1, 3, 1, 0.5])
  const t = floats(type, [1, 1, 1, -1, -1])

  it('is what the difference lacks to the margin, with a gradient on it', () => {
    expectAllSame(valuesOf(marginRanking, [x1, x2, t]), [1, 0, 0, 2, 0])
    const sum = slopesOf(marginRanking, [x1, x2, t])
    expectAllSame(sum.x1 as Float64Array, [-1, 0, -1, 1, 0])
    expectAllSame(sum.x2 as Float64Array, [1, 0, 1, -1, 0])
  })

  it('has a margin, and takes labels of any type', () => {
    const labels = Int8Array.from(t)
    expectAllSame(valuesOf(marginRanking, [x1, x2, labels], { margin: 0.5 }), [1.5, 0, 0.5, 2.5, 0])
    expect(meanOf(marginRanking, [x1, x2, labels], { margin: 0.5 })).toBe(0.9)
  })

  it('weighs values and both gradients', () => {
    const weight = floats(type, [2, 3, 1, 0.5, 1])
    expectAllSame(valuesOf(marginRanking, [x1, x2, t], { weight }), [2, 0, 0, 1, 0])
    const both = slopesOf(marginRanking, [x1, x2, t], { weight })
    expectAllSame(both.x1 as Float64Array, [-2, 0, -1, 0.5, 0])
    expectAllSame(both.x2 as Float64Array, [2, 0, 1, -0.5, 0])
    const upstream = floats(type, [1, 1, -1, 2, 1])
    const incoming = slopesOf(marginRanking, [x1, x2, t], { weight, upstream, reduction: 'none' })
    expectAllSame(incoming.x1 as Float64Array, [-2, 0, 1, 1, 0])
    expectAllSame(incoming.x2 as Float64Array, [2, 0, -1, -1, 0])
  })

  it('writes both gradients over their inputs', () => {
    const [a, b] = [x1.slice(), x2.slice()]
    const sum = slopesOf(marginRanking, [a, b, t], { out: { x1: a, x2: b } })
    expect(sum.x1).toBe(a)
    expectAllSame(a, [-1, 0, -1, 1, 0])
    expectAllSame(b, [1, 0, 1, -1, 0])
    expectCode(() => marginRanking.grad(a, b, t, { out: { x1: b } }), 'ERR_OVERLAP')
    expectCode(() => marginRanking.grad(a, b, t, { out: { x1: t, x2: t } }), 'ERR_OVERLAP')
  })

  it('keeps the digits of a small rest', () => {
    // 1 + 2^-20 - 1, whose product with a label of 3 float32 holds
    const small = valuesOf(marginRanking, [
      floats(type, [1]),
      floats(type, [1 + 2 ** -20]),
      floats(type, [3]),
    ])
    expectAllSame(small, [3 * 2 ** -20])
  })

  it('passes NaN from any input', () => {
    for (const bad of [0, 1, 2]) {
      const inputs = [0, 1, 2].map(i => floats(type, [i === bad ? nan : 1]))
      expectAllSame(valuesOf(marginRanking, inputs), [nan])
      expectAllSame(slopesOf(marginRanking, inputs).x1 as Float64Array, [nan])
    }
  })

  it('refuses inputs of different sizes or types', () => {
    expectCode(() => marginRanking(x1, x2.slice(1), t), 'ERR_SHAPE')
    expectCode(() => marginRanking(x1, x2, t.slice(1)), 'ERR_SHAPE')
    expectCode(() => marginRanking(x1, Int32Array.from(x2), t), 'ERR_DTYPE')
  })
})

describe('gradients are the slopes of', () => {
  const x = [-2.3, -0.7, 0.2, 0.9, 1.4, 3]
  const signs = [1, -1, 1, 1, -1, -1]
  it('hinge', () => expectSlopes(hinge, [x, signs], 0, 'pred'))
  it('squaredHinge', () => expectSlopes(squaredHinge, [x, signs], 0, 'pred'))
  it('softMargin', () => expectSlopes(softMargin, [x, [1, -1, 0.5, 2, -1, 0]], 0, 'pred'))
  it('hingeEmbedding', () => expectSlopes(hingeEmbedding, [x, [1, -1, -1, 0, 0, 1]], 0, 'input'))
  it('marginRanking', () => {
    const inputs = [x, [1, 1, -1, 0.5, 2, 7], signs]
    expectSlopes(marginRanking, inputs, 0, 'x1', { margin: 0.3 })
    expectSlopes(marginRanking, inputs, 1, 'x2', { margin: 0.3 })
  })
})
