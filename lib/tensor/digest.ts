import type { BindingArray } from '../../binding.js'
import { bfloat16, type Dtype, float16 } from './dtype.ts'

/** A fingerprint of a tensor: its shape and its numbers, whichever array holds them (half precision counts by its bits). */
export function digest(data: BindingArray, dtype: Dtype, shape: readonly number[] | undefined): string {
  const isHalf = dtype === float16 || dtype === bfloat16
  const numbers = Float64Array.from(data as ArrayLike<number | bigint>, Number)
  // Taken when first needed: Node takes a good part of the time of `import 'losskit'` to make this module.
  const { createHash } = process.getBuiltinModule('node:crypto')
  return createHash('sha256')
    .update(`${isHalf ? dtype.name : ''}${JSON.stringify(shape ?? [data.length])}`)
    .update(numbers)
    .digest('hex')
    .slice(0, 32)
}
