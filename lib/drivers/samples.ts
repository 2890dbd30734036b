import type { Definition } from '../definition.ts'
import type { Dtype } from '../tensor/dtype.ts'
import type { Dense } from '../tensor/read.ts'
import { sizeOf } from '../tensor/shape.ts'
import { readFactor } from './factor.ts'

/** Weights of the samples of a batch: one number, or a tensor that broadcasts to the shape of the batch. */
export function readSampleWeights(
  loss: Definition,
  weight: unknown,
  batch: readonly number[],
  compute: Dtype,
): Dense | undefined {
  if (weight === undefined) return undefined
  return readFactor(loss, 'weight', weight, () => `there are ${sizeOf(batch)} values`, batch, compute)
}
