import type { Definition } from '../definition.ts'
import type { Dtype } from '../tensor/dtype.ts'
import type { Dense } from '../tensor/read.ts'
import { readFactor } from './factor.ts'

/** Weights of the samples of a batch: one number, or one for each. */
export function readSampleWeights(
  loss: Definition,
  weight: unknown,
  samples: number,
  compute: Dtype,
): Dense | undefined {
  if (weight === undefined) return undefined
  return readFactor(loss, 'weight', weight, `there are ${samples} values`, [samples], compute)
}
