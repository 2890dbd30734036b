/** Every integer type stands for labels and for targets of 0 and 1. */

import { describe, it } from 'vitest'
import { expectAllSame, expectCode, expectSame } from '../support/expect.ts'
import { FLOATS, floats } from '../support/floats.ts'
import { bce, bceWithLogits, crossEntropy, mse, nll } from '../support/losses.ts'
import { Random } from '../support/random.ts'

const TYPES = [
  ['Int8Array', Int8Array],
  ['Uint8Array', Uint8Array],
  ['Int16Array', Int16Array],
  ['Uint16Array', Uint16Array],
  ['Int32Array', Int32Array],
  ['Uint32Array', Uint32Array],
] as const

const classes = 5
const random = new Random(55)
const chosen = random.list(203, () => random.integer(classes))
const values = random.list(203 * classes, () => random.normal())

describe.each(FLOATS)('with logits in %s', type => {
  const logits = { data: floats(type, values), shape: [203, classes] }
  const expected = crossEntropy.valueAndGrad(logits, Int32Array.from(chosen), { reduction: 'none' })
  const expectedNll = nll(logits, Int32Array.from(chosen), { reduction: 'none' })

  it.each(TYPES)('%s holds labels', (_, Kind) => {
    const { value, grad } = crossEntropy.valueAndGrad(logits, Kind.from(chosen), { reduction: 'none' })
    expectAllSame(value, expected.value)
    expectAllSame(grad.logits, expected.grad.logits)
    expectAllSame(nll(logits, Kind.from(chosen), { reduction: 'none' }), expectedNll)
  })

  it('BigInt64Array holds labels', () => {
    const labels = BigInt64Array.from(chosen, BigInt)
    expectAllSame(crossEntropy(logits, labels, { reduction: 'none' }), expected.value)
    expectAllSame(nll(logits, labels, { reduction: 'none' }), expectedNll)
  })

  it('plain arrays hold labels, if these are integers', () => {
    expectAllSame(crossEntropy(logits, chosen, { reduction: 'none' }), expected.value)
    expectCode(() => crossEntropy(logits, [...chosen.slice(1), 0.5]), 'ERR_DTYPE')
  })

  it.each([
    ['Int8Array', Int8Array, -100],
    ['Int8Array', Int8Array, -128],
    ['Uint8Array', Uint8Array, 255],
    ['Int16Array', Int16Array, -32768],
    ['Uint16Array', Uint16Array, 65535],
    ['Int32Array', Int32Array, -(2 ** 31)],
    ['Uint32Array', Uint32Array, 2 ** 32 - 1],
  ] as const)('%s holds an ignored label', (_, Kind, ignoreIndex) => {
    const labels = Kind.from(chosen)
    labels[0] = ignoreIndex
    labels[202] = ignoreIndex
    const skipped = Array.from(expected.value)
    skipped[0] = 0
    skipped[202] = 0
    expectAllSame(crossEntropy(logits, labels, { ignoreIndex, reduction: 'none' }), skipped)
    // With another ignoreIndex the same label is out of range, not wrapped around to something else.
    expectCode(() => crossEntropy(logits, labels, { ignoreIndex: -1 }), 'ERR_LABEL')
  })

  it('BigInt64Array holds an ignored label', () => {
    const labels = BigInt64Array.from(chosen, BigInt)
    labels[3] = -100n
    const skipped = Array.from(expected.value)
    skipped[3] = 0
    expectAllSame(crossEntropy(logits, labels, { reduction: 'none' }), skipped)
  })

  it.each(TYPES)('%s refuses its own largest number as a label', (_, Kind) => {
    const labels = Kind.from(chosen)
    labels[100] = -1
    labels[100] = 127
    expectCode(() => crossEntropy(logits, labels), 'ERR_LABEL')
    expectCode(() => nll(logits, labels), 'ERR_LABEL')
  })

  it('a label of 64 bits is not cut to 32', () => {
    const labels = BigInt64Array.from(chosen, BigInt)
    labels[100] = 2n ** 32n + 1n
    expectCode(() => crossEntropy(logits, labels), 'ERR_LABEL')
  })

  it.each(TYPES)('%s holds targets of 0 and 1', (_, Kind) => {
    const x = floats(type, values.slice(0, 203))
    const p = floats(
      type,
      chosen.map(c => (c + 0.5) / 5),
    )
    const bits = chosen.map(c => c & 1)
    const targets = floats(type, bits)
    expectAllSame(
      bceWithLogits(x, Kind.from(bits), { reduction: 'none' }),
      bceWithLogits(x, targets, { reduction: 'none' }),
    )
    expectAllSame(bce(p, Kind.from(bits), { reduction: 'none' }), bce(p, targets, { reduction: 'none' }))
    expectSame(mse(x, Kind.from(bits)), mse(x, targets))
  })

  it('BigInt64Array holds targets of 0 and 1', () => {
    const x = floats(type, values.slice(0, 203))
    const bits = chosen.map(c => c & 1)
    expectAllSame(
      bceWithLogits(x, BigInt64Array.from(bits, BigInt), { reduction: 'none' }),
      bceWithLogits(x, floats(type, bits), { reduction: 'none' }),
    )
  })
})

describe('integer targets', () => {
  it('are rounded to the compute type where they are wider', () => {
    // 2^24 + 1 is between two float32; 2^53 + 1 between two float64. Both round to even.
    expectSame(mse(new Float32Array([2 ** 24]), Int32Array.of(2 ** 24 + 1)), 0)
    expectSame(mse(new Float64Array([2 ** 24]), Int32Array.of(2 ** 24 + 1)), 1)
    expectSame(mse(new Float64Array([2 ** 53]), BigInt64Array.of(2n ** 53n + 1n)), 0)
    expectSame(mse(new Float32Array([2 ** 32]), Uint32Array.of(2 ** 32 - 1)), 0)
    expectSame(mse(new Float64Array([0]), Uint32Array.of(2 ** 32 - 1)), (2 ** 32 - 1) ** 2)
    // From 64 bits straight to float32: by way of float64 this would round twice, to 2^60.
    expectSame(mse(new Float32Array([2 ** 60 + 2 ** 37]), BigInt64Array.of(2n ** 60n + 2n ** 36n + 1n)), 0)
  })
})
