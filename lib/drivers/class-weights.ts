import type { Definition } from '../definition.ts'
import { LosskitShapeError } from '../errors.ts'
import { conform } from '../tensor/compute.ts'
import type { Dtype } from '../tensor/dtype.ts'
import { type Dense, readTensor } from '../tensor/read.ts'
import { extent } from './shapes.ts'

/** One weight for each class. */
export function readClassWeights(
  loss: Definition,
  value: unknown,
  rows: number,
  classes: number,
  compute: Dtype,
): Dense | undefined {
  if (value === undefined) return undefined
  const weight = conform(loss.name, 'weight', readTensor(loss.name, 'weight', value), compute)
  // Scores that are empty and flat do not tell how many classes there are.
  if (rows === 0 && classes === 0) return undefined
  if (weight.data.length !== classes || (weight.shape !== undefined && weight.shape.length !== 1)) {
    throw new LosskitShapeError(
      `${loss.name}: weight has ${extent(weight)}. It must have one element for each of ${classes} classes.`,
    )
  }
  return weight
}
