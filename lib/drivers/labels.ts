import { slots } from '../backend/binding.ts'
import type { Definition } from '../definition.ts'
import { LosskitDtypeError } from '../errors.ts'
import { int32 } from '../tensor/dtype.ts'
import { wholeNumbers } from '../tensor/numbers.ts'
import { Dense, readTensor } from '../tensor/read.ts'

/** Labels or lengths: whole numbers of any integer type. */
export function readLabels(loss: Definition, name: string, value: unknown): Dense {
  return asLabels(loss, name, readTensor(loss.name, name, value))
}

export function asLabels(loss: Definition, name: string, tensor: Dense): Dense {
  if (tensor.isPlain) {
    const data = wholeNumbers(loss.name, name, tensor.data as Float64Array)
    return new Dense(data, int32, tensor.shape, 'Int32Array')
  }
  if (!tensor.dtype.isFloat) return tensor
  throw floatLabels(loss, name, tensor)
}

export function floatLabels(loss: Definition, name: string, tensor: Dense): LosskitDtypeError {
  return new LosskitDtypeError(
    `${loss.name}: ${name} is ${tensor.dtype.name}. Class labels must be whole numbers, such as an Int32Array or a ` +
      'BigInt64Array.',
  )
}

/** What the labels of a call must be; `classes` is the slot that says how many there are. */
export function showLabels(numbers: readonly number[], classes: number): string {
  const ignoreIndex = numbers[slots.ignoreIndex] as number
  const orIgnored = Number.isNaN(ignoreIndex) ? '' : `, or ignoreIndex, which is ${ignoreIndex}`
  return `A class label must be from 0 to ${(numbers[classes] as number) - 1}${orIgnored}.`
}
