/**
 * Gradients of batches larger than the caches, which are written past them, have the same bits as those of small
 * batches. The large batch is a small one many times over, larger than half of the last cache of most machines.
 */

import { afterAll, describe, expect, it } from 'vitest'
import type { BindingArray } from '../../binding.js'
import { arrayOf, binding, type Call, dtypeOf, type Input, run } from '../support/raw.ts'
import { batchesOf } from './drivers.ts'
import { accepted, makeCall } from './inputs.ts'
import { STORAGES } from './numbers.ts'
import { firstDifference } from './results.ts'

const NUMBERS = 3_000_000
const { isa: initialIsa, isas } = binding.info()

afterAll(() => binding.setIsa(initialIsa))

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

const streaming = binding.kernels.filter(
  kernel => kernel.grads.length > 0 && batchesOf(kernel.driver).streamed.length > 0,
)

describe.each(streaming)('$name', kernel => {
  it.each(STORAGES)('in %s has the same gradients in and beyond the caches', storage => {
    const choice = accepted(kernel, storage).findLast(({ setting }) => !setting.weighted)
    if (choice === undefined) throw new Error('the kernel takes none of the inputs that are tried')
    for (const shape of batchesOf(kernel.driver).streamed) {
      const small = makeCall(kernel, storage, choice, shape, 600)
      const times = Math.ceil(NUMBERS / arrayOf(small.inputs[0] as Input).length)
      const large: Call = {
        ...small,
        rows: shape.rows * times,
        inputs: small.inputs.map(input => repeat(input, times)),
      }
      const gradients = (call: Call): BindingArray[] => {
        const grads = kernel.grads.map(input => {
          const like = arrayOf(call.inputs[input] as Input)
          return { data: unaligned(like, like.length), dtype: storage }
        })
        expect(run({ ...call, reduction: 'sum', grads }).status).toBe('ok')
        return grads.map(({ data }) => data)
      }
      const expected = gradients(small)
      for (const isa of isas) {
        binding.setIsa(isa)
        gradients(large).forEach((found, which) => {
          const grad = expected[which] as BindingArray
          for (let i = 0; i < times; i++) {
            const part = found.subarray(i * grad.length, (i + 1) * grad.length) as BindingArray
            expect(firstDifference(part, grad, storage), `${isa}, gradient ${which}, copy ${i}`).toBe(-1)
          }
        })
      }
    }
  })
})
