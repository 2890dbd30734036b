/**
 * More than 2^31 elements. The zero pages of a fresh array take no memory until they are written to, so
 * only the places that are set cost anything.
 */

import { describe, it } from 'vitest'
import { expectPrinted, expectSame } from '../support/expect.ts'
import { toBfloat16 } from '../support/half.ts'
import { crossEntropy, mse, nll } from '../support/losses.ts'

describe('beyond 2^31 elements', () => {
  it('the last element of an element loss is read where it is', () => {
    const length = 2 ** 31 + 64
    const data = new Uint16Array(length)
    const target = new Uint8Array(length)
    data[length - 1] = toBfloat16(3)
    data[2 ** 31] = toBfloat16(5)
    data[0] = toBfloat16(7)
    target[length - 1] = 1
    const pred = { data, dtype: 'bfloat16', shape: [length] } as const
    // 49 + 25 + (3 - 1)²
    expectSame(mse(pred, target, { reduction: 'sum' }), 78)
    expectSame(mse(pred, target), 78 / length)
  })

  it('the last row of a row loss is read where it is', () => {
    const classes = 2 ** 20
    const rows = 2 ** 11 + 1
    const data = new Uint16Array(rows * classes)
    const last = (rows - 1) * classes
    data[last + 5] = toBfloat16(-8)
    const logProbs = { data, dtype: 'bfloat16', shape: [rows, classes] } as const
    const labels = new Int32Array(rows).fill(-100)
    labels[rows - 1] = 5
    expectSame(nll(logProbs, labels), 8)
    // log(2^20 - 1 + e^-8) + 8, all other logits being 0
    expectPrinted(crossEntropy(logProbs, labels), '21.86294', 'float32')
    labels.fill(5)
    // 2048 rows of 20 log 2, and that one: their mean
    expectPrinted(crossEntropy(logProbs, labels), '13.866848', 'float32')
  })
})
