import { binding } from './backend/binding.ts'

/** An exact sum of float32 or float64 values with what its mean divides by, as the addon keeps it. */
export interface Sum {
  readonly type: SumType
  readonly state: Uint8Array
}

export type SumType = 'float32' | 'float64'

export function newSum(type: SumType): Sum {
  const sum = { type, state: new Uint8Array(binding.stateBytes(type)) }
  clear(sum)
  return sum
}

/** Back to a sum of nothing. */
export function clear({ type, state }: Sum): void {
  binding.initState(state, type)
}

/** The sum whose state these bytes are, if they are one. */
export function readSum(state: Uint8Array): Sum | undefined {
  const type = binding.checkState(state)
  return type && { type, state }
}
