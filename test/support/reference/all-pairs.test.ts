/** The reference of losses of all pairs against printed numbers, which were computed elsewhere. */

import { describe, expect, it } from 'vitest'
import * as reference from './index.ts'
import { allPrinted, printed } from './printed.ts'

describe('losses of all pairs', () => {
  it('siameseTriplet', () => {
    const [vp, vn] = [
      [1, 2],
      [0, -1, 0.5],
    ]
    const { values, grads } = reference.siameseTriplet(vp, vn, [0.5, 0.5])
    printed(((values[0] as number) + (values[1] as number)) / 2, '0.215199221')
    allPrinted(grads[0] as number[], '-0.127614169', '-0.058175720')
    allPrinted(grads[1] as number[], '0.064690724', '0.027771466', '0.093327699')
    expect(reference.siameseTriplet([1000], [0]).values).toEqual([0])
    expect(reference.siameseTriplet([0], [1000]).values).toEqual([1000])
  })

  it('infoNce is the cross-entropy of the cosines', () => {
    const [q, k] = [
      [
        [1, 0],
        [3, 4],
      ],
      [
        [2, 0],
        [0, 5],
      ],
    ]
    const scores = [
      [1, 0],
      [0.6, 0.8],
    ].map(row => row.map(s => s / 0.5))
    const { values } = reference.infoNce(q, k, 0.5)
    values.forEach((value, i) => {
      expect(value).toBeCloseTo(reference.crossEntropyOfIndex(scores[i] as number[], i).value, 14)
    })
  })

  it('ntXent with one positive each is supCon, and the cross-entropy among the others', () => {
    const embeddings = [
      [1, 0.5],
      [0.75, 1],
      [-1, 2],
      [0.5, -3],
    ]
    const labels = [4, 4, 9, 9]
    const a = reference.ntXent(embeddings, labels, 0.5)
    const b = reference.supCon(embeddings, labels, 0.5)
    a.values.forEach((value, i) => {
      expect(value).toBeCloseTo(b.values[i] as number, 13)
    })
  })

  it('an anchor without a positive does not count', () => {
    for (const loss of [reference.ntXent, reference.supCon]) {
      const { values, masses } = loss(
        [
          [1, 2],
          [3, 1],
          [0, 1],
        ],
        [1, 1, 2],
      )
      expect(values[2]).toBe(0)
      expect(masses).toEqual([1, 1, 0])
    }
  })

  it('a vector of zeros has cosines of 0 and a finite gradient', () => {
    const { values, grads } = reference.infoNce([[0, 0]], [[1, 2]], 0.5)
    expect(values).toEqual([0])
    expect(grads.flat().every(Number.isFinite)).toBe(true)
  })

  it('linearCrossEntropy is the cross-entropy of the logits', () => {
    const { values, grads } = reference.linearCrossEntropy(
      [[1, 2]],
      [
        [1, 0],
        [0, 1],
      ],
      [0],
      { bias: [0, -1] },
    )
    const { value, grad } = reference.crossEntropyOfIndex([1, 1], 0)
    expect(values).toEqual([value])
    expect(grads).toEqual([
      [grad[0], grad[1]],
      [grad[0], 2 * (grad[0] as number), grad[1], 2 * (grad[1] as number)],
      grad,
    ])
  })
})
