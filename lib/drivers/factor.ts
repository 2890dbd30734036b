import type { Definition } from '../definition.ts'
import { LosskitOptionError, LosskitShapeError } from '../errors.ts'
import { showShape } from '../show.ts'
import { broadcast } from '../tensor/broadcast.ts'
import { conform } from '../tensor/compute.ts'
import type { Dtype } from '../tensor/dtype.ts'
import { type Dense, readTensor } from '../tensor/read.ts'

/** Factors of the elements of an input: one number, or a tensor that broadcasts to its shape. */
export function readFactor(
  loss: Definition,
  name: string,
  value: unknown,
  whole: Dense,
  compute: Dtype,
): Dense {
  if (typeof value === 'number') {
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) {
      throw new LosskitOptionError(
        `${loss.name}: ${name} is ${value}. It must be a finite number from 0 on, or a tensor.`,
      )
    }
    return conform(loss.name, name, readTensor(loss.name, name, [value]), compute)
  }
  const factor = conform(loss.name, name, readTensor(loss.name, name, value), compute)
  if (factor.shape === undefined && factor.data.length === whole.data.length) return factor
  const shape = factor.shape ?? [factor.data.length]
  const wholeShape = whole.shape ?? [whole.data.length]
  const spread = broadcast(factor, shape, wholeShape)
  if (spread !== undefined) return spread
  throw new LosskitShapeError(
    `${loss.name}: ${name} has shape ${showShape(shape)}, ${loss.inputs[0]} has shape ${showShape(wholeShape)}. ` +
      `It must have the same shape, or one that broadcasts to it: sizes are compared from the last, and must be equal or 1.`,
  )
}
