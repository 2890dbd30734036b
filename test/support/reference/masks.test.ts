/** The reference of losses of masks against printed numbers, which were computed elsewhere. */

import { describe, expect, it } from 'vitest'
import * as reference from './index.ts'

describe('losses of masks', () => {
  const ofCounts = (both: number, either: number) => {
    const target = Array.from({ length: either }, () => 1)
    return reference.thresholdedIou(
      target.map((_, i) => (i < both ? 1 : 0)),
      target,
    ).value
  }

  it('thresholdedIou at ties is what float32 makes of them', () => {
    const tens = [50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 100].map(both => ofCounts(both, 100))
    const expected = [0, 0.2, 0.3, 0.3, 0.4, 0.5, 0.6, 0.8, 0.8, 0.9, 1]
    expect(tens).toEqual(expected.map(Math.fround))
    expect([ofCounts(12, 20), ofCounts(18, 20)]).toEqual([0.2, 0.9].map(Math.fround))
    expect(ofCounts(0, 0)).toBe(1)
    expect(ofCounts(0, 20)).toBe(0)
  })

  it('two empty masks cost nothing', () => {
    const empty = [0, 0, 0]
    for (const loss of [reference.maskIou, reference.dice]) expect(loss(empty, empty).value).toBe(0)
    expect(reference.tversky(empty, empty).value).toBe(0)
    expect(reference.focalTversky(empty, empty).grads[0]?.map(Math.abs)).toEqual([0, 0, 0])
  })

  it('maskIou and dice of two masks that share one pixel of three', () => {
    expect(reference.maskIou([1, 1, 0, 0], [1, 0, 1, 0], 0).value).toBeCloseTo(2 / 3, 15)
    expect(reference.dice([1, 1, 0, 0], [1, 0, 1, 0], 0).value).toBe(0.5)
    expect(reference.dice([1, 1, 0, 0], [1, 0, 1, 0], 1).value).toBeCloseTo(1 - 3 / 5, 15)
  })

  it('the Lovász extension is the Jaccard loss at its corners', () => {
    const object = [true, false, true, false, false]
    for (let bits = 0; bits < 32; bits++) {
      const wrong = object.map((_, i) => (bits >> i) & 1)
      const missed = wrong.filter((w, i) => w === 1 && object[i]).length
      const added = wrong.filter((w, i) => w === 1 && !object[i]).length
      expect(reference.lovasz(wrong, object).value).toBeCloseTo(1 - (2 - missed) / (2 + added), 14)
    }
    expect(reference.lovasz([1, 1], [false, false]).value).toBe(1)
  })
})
