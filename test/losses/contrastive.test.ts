/** contrastive and cosineEmbedding where numbers are known, and at their corners. */

import { describe, expect, it } from 'vitest'
import { expectAllNear, expectAllSame, expectSame } from '../support/expect.ts'
import { FLOATS, floats, matrix } from '../support/floats.ts'
import { contrastive, cosineEmbedding } from '../support/pair-losses.ts'
import { Random } from '../support/random.ts'

describe.each(FLOATS)('contrastive and cosineEmbedding in %s', type => {
  it('contrastive has the published numbers', () => {
    const none = { reduction: 'none' } as const
    const zero = matrix(type, [[0], [0], [0], [0], [0]])
    const apart = matrix(type, [[0.5], [0.5], [1], [3], [0]])
    const { value, grad } = contrastive.valueAndGrad(zero, apart, [0, 1, 1, 1, 1], none)
    expectAllSame(value, [0.25, 0.25, 0, 0, 1])
    // 2 (a - b) where similar, -2 (1 - d)(a - b) / d where not, and 0 for equal embeddings, not NaN.
    expectAllSame(grad.x1, [-1, 1, 0, 0, 0])
    expectAllSame(grad.x2, [1, -1, 0, 0, 0])
  })

  it('contrastive leaves out what a label leaves out, even if it is infinite', () => {
    const far = matrix(type, [[Number.POSITIVE_INFINITY, 0]])
    const { value, grad } = contrastive.valueAndGrad(far, matrix(type, [[0, 0]]), [1])
    expectSame(value, 0)
    expectAllSame(grad.x1, [0, 0])
  })

  it('cosineEmbedding of zero vectors is 1 for label 1, and nothing for other labels', () => {
    const zero = matrix(type, [
      [0, 0],
      [0, 0],
      [0, 0],
    ])
    expectAllSame(cosineEmbedding(zero, zero, [1, 0, -1], { reduction: 'none' }), [1, 0, 0])
    const other = matrix(type, [
      [1, 2],
      [3, Number.NaN],
    ])
    const { value, grad } = cosineEmbedding.valueAndGrad(other, other, [0, 0.5], { reduction: 'none' })
    expectAllSame(value, [0, 0])
    expectAllSame(grad.x1, [0, 0, 0, 0])
  })

  it('cosineEmbedding has a gradient at exactly the margin', () => {
    // cos = 0; by x1 it is x2 / sqrt((1 + 1e-12)(4 + 1e-12))
    const { value, grad } = cosineEmbedding.valueAndGrad(matrix(type, [[1, 0]]), matrix(type, [[0, 2]]), [-1])
    expectSame(value, 0)
    expectAllNear(grad.x1, [0, 1 / Math.sqrt(1 + 1e-12)], type, 1e-12 + (type === 'float32' ? 1e-7 : 0))
  })

  it('cosineEmbedding of a vector and itself is not negative', () => {
    const random = new Random(11)
    const data = floats(
      type,
      random.list(400, () => 3 * random.normal()),
    )
    const same = { data, shape: [20, 20] }
    for (const value of cosineEmbedding(same, same, new Array(20).fill(1), { reduction: 'none' })) {
      expect(value).toBeGreaterThanOrEqual(0)
      expect(value).toBeLessThan(1e-12)
    }
  })
})
