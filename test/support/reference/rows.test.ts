/** The reference of losses of rows against printed numbers, which were computed elsewhere. */

import { describe, expect, it } from 'vitest'
import * as reference from './index.ts'
import { printed } from './printed.ts'

describe('losses of rows', () => {
  it('multiMargin', () => {
    const x = [0.1, 0.2, 0.4, 0.8]
    printed(reference.multiMargin(x, 3).value, '0.325')
    printed(reference.multiMargin(x, 3, { p: 2 }).value, '0.1525')
  })

  it('multilabelMargin reads the ids before the first -1, and counts doubles twice', () => {
    const x = [0.1, 0.2, 0.4, 0.8]
    printed(reference.multilabelMargin(x, [3, 0, -1, 1]).value, '0.85')
    const once = reference.multilabelMargin(x, [3, -1, -1, -1]).value
    expect(reference.multilabelMargin(x, [3, 3, -1, -1]).value).toBeCloseTo(2 * once, 14)
    expect(reference.multilabelMargin(x, [-1, 0, 1, 2]).value).toBe(0)
  })

  it('multiclassHinge takes the largest wrong score, also where all are negative', () => {
    expect(reference.multiclassHinge([-3, -2.5, -2], 2).value).toBe(0.5)
    expect(reference.multiclassHinge([5, 1, 1], 0).value).toBe(0)
    expect(reference.multiclassHinge([5, 7, 7], 0).grads).toEqual([[-1, 1, 0]])
    expect(reference.multiclassHinge([2], 0).value).toBe(0)
  })

  it('softmaxFocal without focus is the weighed cross-entropy; of one that is sure it is 0', () => {
    const plain = reference.crossEntropyOfIndex([1, 2, 3], 0)
    const focal = reference.softmaxFocal([1, 2, 3], 0, { alpha: 0.25, gamma: 0 })
    expect(focal.value).toBe(0.25 * plain.value)
    focal.grad.forEach((g, c) => {
      expect(g).toBeCloseTo(0.25 * (plain.grad[c] as number), 15)
    })
    expect(reference.softmaxFocal([1000, 0], 0, { gamma: 0.5 }).grad.map(Math.abs)).toEqual([0, 0])
  })

  it('poly1 adds the probability that is missing', () => {
    const { complements } = reference.softmax([1, 2, 3])
    const { value } = reference.crossEntropyOfIndex([1, 2, 3], 1)
    expect(reference.poly1([1, 2, 3], 1, { epsilon: 2 }).value).toBe(value + 2 * (complements[1] as number))
  })

  it('multilabelSoftMargin is the mean of the binary cross-entropies', () => {
    const { value } = reference.multilabelSoftMargin([0, 3], [0.5, 1])
    expect(value).toBeCloseTo((Math.LN2 + 0.04858735157374206) / 2, 15)
  })
})
