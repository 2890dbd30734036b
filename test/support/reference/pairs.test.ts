/** The reference of losses of pairs against printed numbers, which were computed elsewhere. */

import { describe, expect, it } from 'vitest'
import * as reference from './index.ts'
import { printed } from './printed.ts'

describe('losses of pairs', () => {
  it('triplet adds eps to each difference', () => {
    const same = [1, 2, 3, 4]
    expect(reference.distance(same, same).value).toBeCloseTo(2e-6, 15)
    expect(reference.triplet(same, same, same).value).toBeCloseTo(1, 14)
    const [a, p, n] = [
      [1, 2, 3],
      [1, 2, 2],
      [4, 2, 3],
    ] as const
    printed(reference.distance(a, p).value, '1.000001')
    printed(reference.distance(a, n).value, '2.999999')
  })

  it('triplet of a margin of 3 and of 1, with and without swap', () => {
    const [a, p, n] = [
      [1, 2, 3],
      [1, 2, 2],
      [4, 2, 3],
    ] as const
    printed(reference.triplet(a, p, n, { margin: 3 }).value, '1.000002')
    expect(reference.triplet(a, p, n, { margin: 1 }).value).toBe(0)
    printed(reference.distance(p, n).value, '3.162276')
    expect(reference.triplet(a, p, n, { margin: 3, swap: true }).value).toBe(
      reference.triplet(a, p, n, { margin: 3 }).value,
    )
  })

  it('triplet has a slope where it is exactly 0', () => {
    const { value, grads } = reference.triplet([0, 0], [3, 4], [6, 8], { margin: 5, eps: 0 })
    expect(value).toBe(0)
    expect(grads[1]).not.toEqual([0, 0])
  })

  it('contrastive of labels 0 and 1', () => {
    const at = (x: number, label: number, margin = 1) => reference.contrastive([x], [0], label, margin)
    expect([at(0.5, 0).value, at(0.5, 1).value, at(1, 1).value, at(2, 1).value]).toEqual([0.25, 0.25, 0, 0])
    expect(at(0, 1, 3).value).toBe(9)
    expect(at(0, 1, 3).grads.flat().map(Math.abs)).toEqual([0, 0])
  })

  it('cosineEmbedding of zero vectors', () => {
    const zero = [0, 0]
    expect([1, -1, 0].map(t => reference.cosineEmbedding(zero, zero, t).value)).toEqual([1, 0, 0])
    expect(reference.cosineEmbedding([1, 0], [0, 1], -1).grads[0]).toEqual([
      0,
      1 / Math.sqrt((1 + 1e-12) ** 2),
    ])
  })

  it('gradientPenalty', () => {
    expect(reference.gradientPenalty([3, 4])).toMatchObject({ value: 160, grads: [[48, 64]] })
    expect(reference.gradientPenalty([0, 0]).grads).toEqual([[0, 0]])
    expect(reference.gradientPenalty([0.3, 0.4], { oneSided: true }).value).toBe(0)
  })
})
