/** The reference of losses of elements against printed numbers, which were computed elsewhere. */

import { describe, expect, it } from 'vitest'
import { expectUlps } from '../expect.ts'
import * as reference from './index.ts'
import { allPrinted, printed } from './printed.ts'

describe('losses of elements', () => {
  const { bce, bceWithLogits, hinge, softMargin, sigmoidFocal } = reference

  it('bce ends at 100, and its gradient at 1e12', () => {
    const at = (p: number, t: number) => bce(p, t).value
    expect([at(0, 1), at(1, 0), at(0, 0.5), at(0, 0), at(2 ** -149, 1)]).toEqual([100, 100, 50, 0, 100])
    expect([bce(0, 1), bce(1, 0), bce(0, 0)].map(({ grads }) => grads[0])).toEqual([-1e12, 1e12, 0])
    printed(at(1e-8, 0), '1.000000005e-8')
    printed(at(1 - 2 ** -24, 0), '16.635532')
  })

  it('bceWithLogits keeps what is small, and has limits at infinity', () => {
    printed(bceWithLogits()(0, 0.5).value, '0.693147181')
    expect(bceWithLogits()(0, 0.5).grads).toEqual([0])
    printed(bceWithLogits()(3, 1).value, '0.048587352')
    allPrinted([...bceWithLogits()(3, 1).grads], '-0.047425873')
    printed(bceWithLogits()(100, 0).value, '100')
    printed(bceWithLogits()(-1e9, 1).value, '1000000000')
    printed(bceWithLogits()(20, 1).value, '2.06115362e-9')
    printed(bceWithLogits(3)(0, 1).value, '2.079441542')
    expect(bceWithLogits(3)(0, 1).grads).toEqual([-1.5])
    expect(bceWithLogits()(Number.POSITIVE_INFINITY, 1).value).toBe(0)
    expect(bceWithLogits()(Number.POSITIVE_INFINITY, 0).value).toBe(Number.POSITIVE_INFINITY)
  })

  it('softMargin does not overflow; hinge is flat at its kink', () => {
    expect(softMargin(-100, 1)).toEqual({ value: 100, grads: [-1] })
    expect(hinge(1, 1)).toEqual({ value: 0, grads: [0] })
  })

  it('sigmoidFocal is near 0 for what is right, and has no 0 / 0', () => {
    const focal = sigmoidFocal(0.25, 2)
    const cases = [
      [0, 1, '0.043321699', '-0.074571699'],
      [2, 1, '4.5089071e-4', '-1.2177350e-3'],
      [-3, 1, '0.691570110', '-0.281687470'],
      [5, 0, '3.704940916', '0.784634882'],
    ] as const
    for (const [x, t, value, grad] of cases) {
      printed(focal(x, t).value, value)
      allPrinted([...focal(x, t).grads], grad)
    }
    for (const [x, t] of [
      [100, 1],
      [-100, 0],
      [Number.POSITIVE_INFINITY, 1],
    ] as const) {
      expect(Math.abs(sigmoidFocal(0.25, 0.5)(x, t).grads[0] as number)).toBeLessThan(1e-40)
    }
    for (const x of [-100, -1, 2, 100]) {
      const [a, b] = [sigmoidFocal(0.25, 0)(x, 1), bceWithLogits()(x, 1)]
      expect(a.value).toBeCloseTo(0.25 * b.value, 12)
      expect(a.grads[0]).toBeCloseTo(0.25 * (b.grads[0] as number), 12)
    }
  })

  it('huber and smoothL1', () => {
    const d = [-3, -2, -1, 0, 0.5, 2, 5]
    expect(d.map(x => reference.huber(2)(x, 0).value)).toEqual([4, 2, 0.5, 0, 0.125, 2, 8])
    expect(d.map(x => reference.smoothL1(2)(x, 0).value)).toEqual([2, 1, 0.25, 0, 0.0625, 1, 4])
    expect(d.map(x => reference.smoothL1(0)(x, 0))).toEqual(d.map(x => reference.mae(x, 0)))
  })

  it('logCosh neither overflows nor cancels', () => {
    printed(reference.logCosh(100, 0).value, '99.30685281944')
    expect(reference.logCosh(-100, 0).value).toBe(reference.logCosh(100, 0).value)
    // d² / 2 - d⁴ / 12
    expectUlps(reference.logCosh(1e-4, 0).value, 5e-9 - 1e-16 / 12, 'float64', 2)
    // Both forms meet where one takes over from the other.
    const apart = reference.logCosh(1, 0).value - reference.logCosh(1 - 2 ** -52, 0).value
    expect(Math.abs(apart)).toBeLessThan(1e-15)
  })

  it('klDiv, and nothing of a target of 0', () => {
    const x = [Math.log(0.9), Math.log(0.1)]
    const values = x.map(log => reference.klDiv()(log, 0.5).value)
    allPrinted(values, '-0.293893332', '0.804718956')
    printed((values[0] as number) + (values[1] as number), '0.510825624')
    expect(reference.klDiv()(-3, 0).value + 0).toBe(0)
    // e^t (t - x)
    const ofLogs = reference.klDiv(true)(-1, -2)
    expect(ofLogs.value).toBe(-Math.exp(-2))
  })

  it('poissonNll, and Stirling beyond targets of 1', () => {
    printed(reference.poissonNll()(1, 2).value, '0.718281828')
    const full = reference.poissonNll({ full: true })
    printed(full(1, 2).value - reference.poissonNll()(1, 2).value, '0.651806485')
    expect(full(1, 1).value).toBe(reference.poissonNll()(1, 1).value)
  })

  it('gaussianNll, with a slope below eps', () => {
    const { value, grads } = reference.gaussianNll()(1, 0, 0)
    printed(value, '499993.092')
    expect(grads[1]).not.toBe(0)
  })

  it('hingeEmbedding of labels 1, -1 and others', () => {
    expect([1, -1, 0].map(t => reference.hingeEmbedding(1)(0.25, t).value)).toEqual([0.25, 0.75, 1])
    expect([1, -1, 0].map(t => reference.hingeEmbedding(1)(1, t).grads[0])).toEqual([1, -1, 0])
  })

  it('marginRanking has its slope at the kink', () => {
    expect(reference.marginRanking(0)(2, 2, 1).grads).toEqual([-1, 1])
  })

  it('msle and mape', () => {
    // (log(e) - log(1 + 1e-7))²
    printed(reference.msle(Math.E - 1, 0).value, '0.99999980000002')
    expect(reference.msle(-5, 0)).toEqual({ value: 0, grads: [0] })
    expect(reference.mape(3, 2)).toEqual({ value: 50, grads: [50] })
  })

  it('the terms of generative adversarial networks', () => {
    const { minimaxGan, nonSaturatingGan, lsGan, hingeGan, wassersteinGan } = reference
    const sides = ({ real, fake }: reference.Game) => real(2).value + fake(-1).value
    printed(sides(minimaxGan), '0.440189699')
    printed(minimaxGan.generator(-1).value, '-0.313261688')
    printed(nonSaturatingGan.generator(-1).value, '1.313261688')
    expect([sides(lsGan), lsGan.generator(-1).value]).toEqual([1, 2])
    expect([sides(hingeGan), hingeGan.generator(-1).value]).toEqual([0, 1])
    expect(hingeGan.fake(-1).grads).toEqual([0])
    expect(sides(wassersteinGan)).toBe(-3)
    for (const score of [1000, -1000]) {
      expect(Number.isFinite(minimaxGan.real(score).value + minimaxGan.fake(score).value)).toBe(true)
    }
  })
})
