/**
 * Gradients of batches larger than the caches, which are written past them, have the same bits as those of small
 * batches. The large batch is a small one many times over, larger than half of the last cache of most machines.
 */

import { afterAll, describe, expect, it } from 'vitest'
import type { BindingArray } from '../../binding.js'
import { arrayOf, binding, type Call, dtypeOf, type Input, run } from '../support/raw.ts'
import { accepted, makeCall, type Shape, STORAGES } from './inputs.ts'
import { firstDifference } from './results.ts'

const ELEMENTS = 3_000_000
const { isa: initialIsa, isas } = binding.info()

afterAll(() => binding.setIsa(initialIsa))

const SMALL: readonly Shape[] = [
  { rows: 50_021, classes: 0 },
  { rows: 5003, classes: 10 },
  { rows: 3, classes: 16_411 },
  { rows: 1, classes: 100_003 },
]

type Kind = new (buffer: ArrayBuffer, byteOffset: number, length: number) => BindingArray

/** An array of the same type one element into its buffer, so that it does not begin with a cache line. */
function unaligned(like: BindingArray, length: number): BindingArray {
  const size = like.BYTES_PER_ELEMENT
  return new (like.constructor as Kind)(new ArrayBuffer((length + 1) * size), size, length)
}

function repeat(input: Input, times: number): Input {
  const data = arrayOf(input)
  const all = unaligned(data, data.length * times)
  for (let i = 0; i < times; i++) all.set(data as never, i * data.length)
  return { data: all, dtype: dtypeOf(input) }
}

describe.each(binding.kernels)('$name', kernel => {
  it.each(STORAGES)('in %s has the same gradient in and beyond the caches', storage => {
    const choice = accepted(kernel, storage).findLast(({ setting }) => !setting.weighted)
    if (choice === undefined) throw new Error('the kernel takes none of the inputs that are tried')
    for (const shape of SMALL.filter(({ classes }) => classes > 0 === (kernel.driver === 'rows'))) {
      const small = makeCall(kernel, storage, choice.family, choice.setting, shape, 600)
      const length = arrayOf(small.pred).length
      const times = Math.ceil(ELEMENTS / length)
      const large: Call = {
        ...small,
        rows: shape.rows * times,
        pred: repeat(small.pred, times),
        target: repeat(small.target, times),
        extra: small.extra && repeat(small.extra, times),
      }
      const gradient = (call: Call): BindingArray => {
        const data = unaligned(arrayOf(call.pred), arrayOf(call.pred).length)
        const { status } = run({ ...call, reduction: 'sum', grad: { data, dtype: storage } })
        expect(status).toBe('ok')
        return data
      }
      const expected = gradient(small)
      for (const isa of isas) {
        binding.setIsa(isa)
        const found = gradient(large)
        for (let i = 0; i < times; i++) {
          const part = found.subarray(i * length, (i + 1) * length) as BindingArray
          expect(firstDifference(part, expected, storage), `${isa}, copy ${i}`).toBe(-1)
        }
      }
    }
  })
})
