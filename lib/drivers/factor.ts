import { isDeviceTensor } from '../cuda/tensor.ts'
import type { Definition } from '../definition.ts'
import { LosskitOptionError, LosskitShapeError } from '../errors.ts'
import { showShape } from '../show.ts'
import { broadcast } from '../tensor/broadcast.ts'
import { conform } from '../tensor/compute.ts'
import type { Dtype } from '../tensor/dtype.ts'
import { type Dense, readTensor } from '../tensor/read.ts'
import { sizeOf } from '../tensor/shape.ts'

/**
 * Factors of what has the shape `whole`: one number, or a tensor that broadcasts to it. `what` says in words what that is.
 */
export function readFactor(
  loss: Definition,
  name: string,
  value: unknown,
  what: () => string,
  whole: readonly number[],
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
  if (factor.shape === undefined && factor.data.length === sizeOf(whole)) return factor
  const shape = factor.shape ?? [factor.data.length]
  const spread = broadcast(factor, shape, whole)
  if (spread !== undefined) return spread
  const found = `${loss.name}: ${name} has shape ${showShape(shape)}, ${what()}.`
  if (isDeviceTensor(factor.data)) {
    throw new LosskitShapeError(
      `${found} On a device it must have the same shape, or that of the trailing dimensions: upload it spread out.`,
    )
  }
  throw new LosskitShapeError(
    `${found} It must have the same shape, or one that broadcasts to it: sizes are compared from the last, and must be equal or 1.`,
  )
}
