/** triplet where numbers are known, and at its corners. */

import { describe, it } from 'vitest'
import {
  expectAllNear,
  expectAllPrinted,
  expectAllSame,
  expectAllUlps,
  expectPrinted,
  expectSame,
} from '../support/expect.ts'
import { FLOATS, held, matrix } from '../support/floats.ts'
import { triplet } from '../support/pair-losses.ts'

describe.each(FLOATS)('triplet in %s', type => {
  it('triplet has the published numbers', () => {
    const same = matrix(type, [[1, 2, 3, 4]])
    // Distances of 2e-6 each.
    const { value, grad } = triplet.valueAndGrad(same, same, same)
    expectSame(value, 1)
    expectAllSame(grad.anchor, [0, 0, 0, 0])
    expectAllNear(grad.negative, [0.5, 0.5, 0.5, 0.5], type, 1e-6)
    const rows = [[[1, 2, 3]], [[1, 2, 2]], [[4, 2, 3]]].map(row => matrix(type, row))
    const [a, p, n] = rows as [(typeof rows)[0], (typeof rows)[0], (typeof rows)[0]]
    // d(a, p) = 1.000001 and d(a, n) = 2.999999; d(p, n) = 3.162276 is the greater.
    expectPrinted(triplet(a, p, n, { margin: 3 }), '1.000002', type)
    expectPrinted(triplet(a, p, n, { margin: 3, swap: true }), '1.000002', type)
    expectSame(triplet(a, p, n), 0)
    expectAllSame(triplet.grad(a, p, n).anchor, [0, 0, 0])
  })

  it('triplet counts at exactly the margin', () => {
    const [a, p, n] = [matrix(type, [[0, 0]]), matrix(type, [[3, 4]]), matrix(type, [[0, 6]])]
    const { value, grad } = triplet.valueAndGrad(a, p, n, { eps: 0 })
    expectSame(value, 0)
    expectAllPrinted(grad.positive, ['0.6', '0.8'], type)
    expectAllSame(grad.negative, [0, -1])
    expectAllPrinted(grad.anchor, ['-0.6', '0.2'], type)
  })

  it('triplet swaps to the nearer of both, and halves at a tie', () => {
    const [a, p] = [matrix(type, [[0, 0]]), matrix(type, [[4, 0]])]
    const options = { eps: 0, swap: true, margin: 2 } as const
    const nearer = triplet.valueAndGrad(a, p, matrix(type, [[4, 1]]), options)
    expectSame(nearer.value, 2 + 4 - 1)
    expectAllSame(nearer.grad.anchor, [-1, 0])
    expectAllSame(nearer.grad.positive, [1, 1])
    expectAllSame(nearer.grad.negative, [0, -1])
    // n lies as far from a as from p: sqrt(4 + 9/4) = 5/2.
    const tie = triplet.valueAndGrad(a, p, matrix(type, [[2, 1.5]]), options)
    expectSame(tie.value, 2 + 4 - 2.5)
    // u(a, n) = (-0.8, -0.6) and u(p, n) = (0.8, -0.6), each by half.
    expectAllPrinted(tie.grad.anchor, ['-0.6', '0.3'], type)
    expectAllPrinted(tie.grad.positive, ['0.6', '0.3'], type)
    expectAllPrinted(tie.grad.negative, ['0', '-0.6'], type)
  })

  it('triplet of p = Infinity shares the derivative among the largest differences', () => {
    const [a, p, n] = [matrix(type, [[1, -1, 0]]), matrix(type, [[0, 0, 0]]), matrix(type, [[1, -1, 0.5]])]
    const { value, grad } = triplet.valueAndGrad(a, p, n, { p: Number.POSITIVE_INFINITY, eps: 0 })
    expectSame(value, 1 + 1 - 0.5)
    expectAllSame(grad.positive, [-0.5, 0.5, 0])
    expectAllSame(grad.negative, [0, 0, -1])
  })

  it('triplet is right where squares leave the range', () => {
    const [far, near] = type === 'float32' ? [1e38, 1e-40] : [1e300, 1e-300]
    const options = { eps: 0, margin: 0, reduction: 'none' } as const
    const [x] = held(type, [near]) as [number]
    const rows = [
      [
        [0, 0],
        [3 * far, 0],
        [0, far],
      ],
      [
        [0, 0],
        [3 * near, 4 * near],
        [0, 0],
      ],
    ].map(row => row.map(vector => held(type, vector)))
    const at = (v: number) =>
      matrix(
        type,
        rows.map(row => row[v] as number[]),
      )
    const { value, grad } = triplet.valueAndGrad(at(0), at(1), at(2), options)
    expectAllUlps(value, [(rows[0]?.[1]?.[0] as number) - (rows[0]?.[2]?.[1] as number), 5 * x], type, 3)
    expectAllNear(grad.positive, [1, 0, 0.6, 0.8], type, 1e-4)
  })

  it('triplet takes a norm of any p without leaving the range', () => {
    const huge = type === 'float32' ? 1e30 : 1e200
    const [a, p, n] = [matrix(type, [[huge, 0]]), matrix(type, [[0, 0]]), matrix(type, [[huge, huge]])]
    const { value, grad } = triplet.valueAndGrad(a, p, n, { p: 50.5, eps: 0, margin: 0 })
    expectSame(value, 0)
    expectAllSame(grad.positive, [-1, 0])
    const near = { p: 3, eps: 0, margin: 0 }
    // (8 + 27)^(1/3)
    expectPrinted(
      triplet(matrix(type, [[2, 3]]), matrix(type, [[0, 0]]), matrix(type, [[2, 3]]), near),
      '3.271066310',
      type,
    )
  })

  it('triplet of p = 1.5 has the powers of its differences as gradient', () => {
    // d = (1, 4, 0): norm (1 + 8)^(2/3), derivative sqrt(d / norm)
    const size = 9 ** (2 / 3)
    const [a, p] = [matrix(type, [[1, -4, 0]]), matrix(type, [[0, 0, 0]])]
    const { value, grad } = triplet.valueAndGrad(a, p, a, { p: 1.5, eps: 0 })
    expectAllUlps([value], [1 + size], 'float64', type === 'float32' ? 2 ** 28 : 4)
    expectAllNear(grad.positive, [-Math.sqrt(1 / size), Math.sqrt(4 / size), 0], type, 1e-7)
    expectAllSame(grad.negative, [0, 0, 0])
  })
})
