import { describe, expect, it } from 'vitest'
import {
  expectAllPrinted,
  expectAllSame,
  expectAllUlps,
  expectCode,
  expectPrinted,
  expectSame,
} from '../support/expect.ts'
import { FLOATS, floats, matrix } from '../support/floats.ts'
import { crossEntropy, nll } from '../support/losses.ts'
import { softmax } from '../support/reference/index.ts'

const inf = Number.POSITIVE_INFINITY

describe.each(FLOATS)('nll in %s', type => {
  const logs = softmax([1, 2, 3]).logs
  const logProbs = matrix(type, [logs, logs, [0, 0, 0]])
  const labels = Int32Array.of(2, 0, -100)
  const weight = floats(type, [1, 2, 3])

  it('is minus the log-probability of the labelled class', () => {
    expectAllPrinted(nll(logProbs, labels, { reduction: 'none' }), ['0.407605964', '2.407605964', '0'], type)
    expectPrinted(nll(logProbs, labels), '1.407605964', type)
  })

  it('has a gradient at the label alone', () => {
    expectAllSame(nll.grad(logProbs, labels).logProbs, [0, 0, -0.5, -0.5, 0, 0, 0, 0, 0])
    expectAllSame(nll.grad(logProbs, labels, { reduction: 'sum' }).logProbs, [0, 0, -1, -1, 0, 0, 0, 0, 0])
  })

  it('weighs classes, and divides by the weights of the labels', () => {
    expectAllPrinted(
      nll(logProbs, labels, { weight, reduction: 'none' }),
      ['1.222817893', '2.407605964', '0'],
      type,
    )
    expectPrinted(nll(logProbs, labels, { weight }), '0.907605964', type)
    expectAllSame(nll.grad(logProbs, labels, { weight }).logProbs, [0, 0, -0.75, -0.25, 0, 0, 0, 0, 0])
  })

  it('with every row ignored is 0 in every row, 0 in sum and NaN in the mean', () => {
    const all = Int32Array.of(-100, -100, -100)
    expectAllSame(nll(logProbs, all, { reduction: 'none' }), [0, 0, 0])
    expectSame(nll(logProbs, all, { reduction: 'sum' }), 0)
    expectSame(nll(logProbs, all), Number.NaN)
    expectSame(nll(logProbs, all, { onEmpty: 'zero' }), 0)
    expectAllSame(nll.grad(logProbs, all).logProbs, new Array(9).fill(0))
  })

  it('without rows is 0 in sum and NaN in the mean', () => {
    const empty = { data: floats(type, []), shape: [0, 3] }
    expectSame(nll(empty, new Int32Array(0)), Number.NaN)
    expectSame(nll(empty, new Int32Array(0), { reduction: 'sum' }), 0)
    expectSame(nll(empty, new Int32Array(0), { onEmpty: 'zero' }), 0)
  })

  it.each([3, -1, 1000])('refuses the label %d of 3 classes', label => {
    const error = expectCode(() => nll(logProbs, Int32Array.of(0, 1, label)), 'ERR_LABEL')
    expect(error.row).toBe(2)
    expect(Number(error.label)).toBe(label)
  })

  it('ignores a valid class if asked to', () => {
    expectPrinted(nll(logProbs, Int32Array.of(2, 0, 0), { ignoreIndex: 0 }), '0.407605964', type)
  })

  it('reads the labelled class alone: NaN and infinities elsewhere do not matter', () => {
    const rows = matrix(type, [
      [Number.NaN, -1, inf],
      [-inf, -2, -3],
      [-inf, 0, 0],
    ])
    expectAllSame(nll(rows, Int32Array.of(1, 2, 0), { reduction: 'none' }), [1, 3, inf])
    expectAllSame(
      nll.grad(rows, Int32Array.of(1, 2, 0), { reduction: 'sum' }).logProbs,
      [0, -1, 0, 0, 0, -1, -1, 0, 0],
    )
    expectSame(nll(rows, Int32Array.of(0, 1, 1)), Number.NaN)
  })

  it('gives 0 and gradient 0 for an ignored row that holds NaN', () => {
    const rows = matrix(type, [
      [Number.NaN, Number.NaN],
      [-1, -2],
    ])
    const { value, grad } = nll.valueAndGrad(rows, Int32Array.of(-100, 1))
    expectSame(value, 2)
    expectAllSame(grad.logProbs, [0, 0, 0, -1])
  })

  it('of the log-softmax is the cross-entropy of the logits', () => {
    const values = crossEntropy(
      matrix(type, [
        [1, 2, 3],
        [1, 2, 3],
      ]),
      labels.subarray(0, 2),
      { reduction: 'none' },
    )
    expectAllUlps(
      nll(matrix(type, [logs, logs]), labels.subarray(0, 2), { reduction: 'none' }),
      Array.from(values),
      type,
      2,
    )
  })

  it('refuses floats as class indices', () => {
    expectCode(() => nll(logProbs, floats(type, [0, 1, 2]) as never), 'ERR_DTYPE')
  })
})
