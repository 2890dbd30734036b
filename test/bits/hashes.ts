/** Short names of the results on fixed inputs, by which machines that never meet can be compared. */

import { createHash } from 'node:crypto'
import { binding } from '../support/raw.ts'
import { accepted, computeTypeOf, makeCall, STORAGES } from './inputs.ts'
import { canonicalBytes, whole } from './results.ts'

const SHAPES = {
  elements: [
    { rows: 37, classes: 0 },
    { rows: 10_007, classes: 0 },
  ],
  rows: [
    { rows: 101, classes: 10 },
    { rows: 7, classes: 3001 },
  ],
} as const

/** One hash for every kernel and storage type: of all its values, gradients, sums, means and states. */
export function hashes(): Record<string, string> {
  const result: Record<string, string> = {}
  for (const kernel of binding.kernels) {
    for (const storage of STORAGES) {
      const hash = createHash('sha256')
      for (const { family, setting } of accepted(kernel, storage)) {
        for (const shape of SHAPES[kernel.driver]) {
          const results = whole(makeCall(kernel, storage, family, setting, shape, 500))
          const numbers = Float64Array.of(results.sum.value, results.mean.value, results.count)
          hash.update(canonicalBytes(numbers, 'float64'))
          hash.update(canonicalBytes(results.values, computeTypeOf(storage)))
          hash.update(canonicalBytes(results.grad, storage))
          if (results.meanGrad !== undefined) hash.update(canonicalBytes(results.meanGrad, storage))
          hash.update(results.state)
        }
      }
      result[`${kernel.name} in ${storage}`] = hash.digest('hex').slice(0, 32)
    }
  }
  return result
}
