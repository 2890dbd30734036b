/**
 * More than 2^31 numbers, where 32-bit places would wrap: in elements, in rows and in all scores of a batch. Only a GPU computes these
 * in a time that one waits for: `npm run test:cuda`.
 */

import { afterEach, describe, expect, it } from 'vitest'
import { crossEntropy, cuda, type DeviceTensor, huber, mse } from '../../lib/index.ts'
import { missing } from './devices.ts'

const onGpu = missing === undefined && process.env.LOSSKIT_TEST_GPU === '1'
/** Of the device, and as many again of the host. */
const NEEDED = 16e9
const hasRoom = onGpu && cuda.device(0).memory().free > NEEDED

const DISTINCT = 2 ** 20 + 7 // not a divisor of any stride

/** Numbers of bfloat16 between -4 and 4, repeated. */
function numbers(length: number, seed: number): Uint16Array {
  const all = new Uint16Array(length)
  let state = seed
  for (let i = 0; i < DISTINCT; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    all[i] = ((state >>> 16) & 0x8000) | (0x3e00 + (state >>> 23))
  }
  for (let filled = DISTINCT; filled < length; filled *= 2)
    all.copyWithin(filled, 0, Math.min(filled, length - filled))
  return all
}

/** Where two arrays differ first; -1 where they do not. Piecewise, since a Buffer holds no more than 4 GiB. */
function firstDifference(a: Uint16Array, b: Uint16Array): number {
  const piece = 2 ** 28
  const bytes = ({ buffer, byteOffset, byteLength }: Uint16Array) =>
    Buffer.from(buffer, byteOffset, byteLength)
  for (let at = 0; at < a.length; at += piece) {
    const [left, right] = [a.subarray(at, at + piece), b.subarray(at, at + piece)]
    if (!bytes(left).equals(bytes(right))) return at + left.findIndex((x, i) => x !== right[i])
  }
  return -1
}

async function expectSameBits(there: DeviceTensor, expected: unknown): Promise<void> {
  expect(firstDifference((await there.read()) as Uint16Array, expected as Uint16Array)).toBe(-1)
}

describe.skipIf(!hasRoom)('more than 2^31 numbers have the bits of the processor', () => {
  afterEach(() => cuda.device(0).trim())

  it('as elements', async () => {
    const gpu = cuda.device(0)
    const length = 2 ** 31 + 4099
    const shape = [length]
    const tensor = (seed: number) => ({ data: numbers(length, seed), shape, dtype: 'bfloat16' as const })
    const [pred, target] = [tensor(1), tensor(2)]
    const [there, other] = [gpu.upload(pred), gpu.upload(target)]
    expect(await mse(there, other).read()).toBe(mse(pred, target))
    const expected = huber.valueAndGrad(pred, target)
    const found = huber.valueAndGrad(there, other, { out: { pred: there } })
    expect(await found.value.read()).toBe(expected.value)
    await expectSameBits(there, expected.grad.pred)
    there.dispose()
    other.dispose()
  })

  it.each([
    ['rows of a few slices', 65_601, 32_768],
    ['short rows', 2 ** 21 + 3, 1027],
    ['a few rows so long that no cluster holds them', 4, 2 ** 29 + 5],
  ])('as %s', async (_, rows, columns) => {
    const gpu = cuda.device(0)
    const logits = { data: numbers(rows * columns, 3), shape: [rows, columns], dtype: 'bfloat16' as const }
    const target = { data: Int32Array.from({ length: rows }, (_, i) => (i * 7919) % columns), shape: [rows] }
    const [there, labels] = [gpu.upload(logits), gpu.upload(target)]
    const expected = crossEntropy.valueAndGrad(logits, target)
    const found = crossEntropy.valueAndGrad(there, labels, { out: { logits: there } })
    expect(await found.value.read()).toBe(expected.value)
    await expectSameBits(there, expected.grad.logits)
    there.dispose()
    labels.dispose()
  })
})
