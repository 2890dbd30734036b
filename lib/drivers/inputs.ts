import type { Definition } from '../definition.ts'
import { LosskitDtypeError } from '../errors.ts'
import { computeType, conform, requireFloat } from '../tensor/compute.ts'
import type { Dtype } from '../tensor/dtype.ts'
import { type Dense, readTensor } from '../tensor/read.ts'

/** The inputs of a loss as the addon takes them, in the type of its arithmetic. */
export interface Read {
  readonly tensors: readonly Dense[]
  readonly compute: Dtype
}

/** Reads all inputs of a loss, the first of which must be of floats where there are gradients. */
export function readInputs(loss: Definition, given: readonly unknown[]): Read {
  const { inputs, kernel } = loss
  const tensors: Dense[] = []
  for (let i = 0; i < inputs.length; i++) tensors.push(readTensor(loss.name, inputs[i] as string, given[i]))
  const first = tensors[0] as Dense
  if (kernel.grads.length > 0) requireFloat(loss.name, inputs[0] as string, first)
  const compute = computeType(tensors)
  for (let i = 0; i < tensors.length; i++) {
    tensors[i] = conform(loss.name, inputs[i] as string, tensors[i] as Dense, compute)
  }
  requireOneGradientType(loss, tensors)
  return { tensors, compute }
}

/** Every input that has a gradient must be of the type of the first. */
function requireOneGradientType(loss: Definition, tensors: readonly Dense[]): void {
  const first = tensors[0] as Dense
  for (const { input, name } of loss.kernel.grads) {
    const tensor = tensors[input] as Dense
    if (tensor.dtype === first.dtype) continue
    throw new LosskitDtypeError(
      `${loss.name}: ${name} is ${tensor.dtype.name}, ${loss.inputs[0]} is ${first.dtype.name}. Both must be of one type.`,
    )
  }
}
