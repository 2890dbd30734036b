/**
 * More than 2^31 elements. The zero pages of a fresh array take no memory until they are written to, so
 * only the places that are set cost anything.
 */

import { describe, it } from 'vitest'
import { expectPrinted, expectSame } from '../support/expect.ts'
import { toBfloat16 } from '../support/half.ts'
import { crossEntropy, exportedLosses, mse, nll } from '../support/losses.ts'

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

  it('the last position of rows along another axis is read where it is, and the last row of margins', ({
    skip,
  }) => {
    const [classes, positions] = [2 ** 10, 2 ** 21 + 1]
    const size = classes * positions
    let data: Uint16Array
    try {
      data = new Uint16Array(size)
    } catch {
      return skip('this machine does not give 4 GiB of addresses to one array')
    }
    const labels = new Int32Array(positions).fill(-100)
    labels[positions - 1] = classes - 1
    // The last class of the last position is the last number of all.
    data[size - 1] = toBfloat16(-8)
    const apart = { data, dtype: 'bfloat16', shape: [1, classes, positions] } as const
    expectSame(nll(apart, labels), 8)
    // log(1023 + e^-8) + 8
    expectPrinted(crossEntropy(apart, labels), '14.930495', 'float32')
    const multiMargin = exportedLosses().find(({ lossName }) => lossName === 'multiMargin')
    const all = labels.fill(0, 0, positions - 1)
    const dense = { data, dtype: 'bfloat16', shape: [positions, classes] } as const
    const values = multiMargin?.(dense, all, { reduction: 'none' })
    // 1023 classes miss by 1, and those of the last row by 1 + 8.
    expectSame(values?.[0] as number, 1023 / 1024)
    expectSame(values?.at(-1) as number, (9 * 1023) / 1024)
  })
})
