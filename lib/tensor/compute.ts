import { LosskitDtypeError } from '../errors.ts'
import { type Dtype, float32, float64 } from './dtype.ts'
import { Dense } from './read.ts'

/**
 * The type of the arithmetic: that of the first input, widened to float32 where it is half precision. Plain numbers are
 * float64, unless a narrower tensor of floats stands beside them.
 */
export function computeType(inputs: readonly Dense[]): Dtype {
  let leader = inputs[0]
  for (let i = 0; i < inputs.length; i++) {
    const input = inputs[i] as Dense
    if (input.isPlain || !input.dtype.isFloat) continue
    leader = input
    break
  }
  return leader?.dtype === float64 ? float64 : float32
}

/** A tensor in arithmetic of type `compute`: plain numbers take that type, what is wider than it is refused. */
export function conform(loss: string, name: string, tensor: Dense, compute: Dtype): Dense {
  if (compute === float64 || tensor.dtype !== float64) return tensor
  if (tensor.isPlain) {
    return new Dense(Float32Array.from(tensor.data as Float64Array), float32, tensor.shape, 'Float32Array')
  }
  throw new LosskitDtypeError(
    `${loss}: ${name} is float64, but the loss is computed in float32, the type of its predictions. Convert ${name} to ` +
      'float32, or the predictions to float64.',
  )
}

export function requireFloat(loss: string, name: string, tensor: Dense): void {
  if (tensor.dtype.isFloat) return
  throw new LosskitDtypeError(
    `${loss}: ${name} is ${tensor.dtype.name}. It must be float32, float64, float16 or bfloat16.`,
  )
}
