import type { BindingArray } from '../../binding.js'
import { isDeviceTensor } from '../cuda/tensor.ts'
import { Dense } from './read.ts'
import { isSuffix, sizeOf } from './shape.ts'

/**
 * A tensor spread over a larger shape, as NumPy and PyTorch broadcast: sizes are compared from the last, and must be equal
 * or 1. The addon repeats what spreads over the leading dimensions only; anything else is written out here. undefined where
 * the shapes do not fit, and for what lies on a device and would have to be written out.
 */
export function broadcast(
  tensor: Dense,
  shape: readonly number[],
  whole: readonly number[],
): Dense | undefined {
  if (isSuffix(shape, whole)) return tensor
  const extra = whole.length - shape.length
  const { data } = tensor
  if (extra < 0 || isDeviceTensor(data)) return undefined
  const sizes = whole.map((_, i) => shape[i - extra] ?? 1)
  if (sizes.some((size, i) => size !== 1 && size !== whole[i])) return undefined
  return new Dense(spread(data, sizes, whole), tensor.dtype, whole, tensor.kind)
}

function spread(data: BindingArray, sizes: readonly number[], whole: readonly number[]): BindingArray {
  const Class = data.constructor as new (length: number) => BindingArray
  const result = new Class(sizeOf(whole))
  // Where each dimension steps in the data: not at all where it has but one size.
  const steps = new Array<number>(sizes.length).fill(0)
  let step = 1
  for (let i = sizes.length - 1; i >= 0; i--) {
    if (sizes[i] !== 1) steps[i] = step
    step *= sizes[i] as number
  }
  let to = 0
  const fill = (dimension: number, from: number): void => {
    if (dimension === whole.length) {
      result[to++] = data[from] as never
      return
    }
    for (let i = 0; i < (whole[dimension] as number); i++) {
      fill(dimension + 1, from + i * (steps[dimension] as number))
    }
  }
  fill(0, 0)
  return result
}
