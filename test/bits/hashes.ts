/** Short names of the results on fixed inputs, by which machines that never meet can be compared. */

import { createHash } from 'node:crypto'
import type { Kernel } from '../../binding.js'
import { batchesOf } from './drivers.ts'
import { accepted, makeCall } from './inputs.ts'
import { STORAGES } from './numbers.ts'
import { canonical, whole } from './results.ts'

/** The hash of a kernel: of all its values, gradients, sums, means and states in all storage types. */
export function hashOf(kernel: Kernel): string {
  const hash = createHash('sha256')
  for (const storage of STORAGES) {
    for (const combination of accepted(kernel, storage)) {
      for (const shape of batchesOf(kernel.driver).hashed) {
        const results = whole(makeCall(kernel, storage, combination, shape, 500))
        for (const bytes of canonical(results, storage)) hash.update(bytes)
      }
    }
  }
  return hash.digest('hex').slice(0, 32)
}
