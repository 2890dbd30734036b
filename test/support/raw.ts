/** Calls of the raw addon with named fields instead of frame slots. */

import type { Argument, BindingArray, DtypeName, Kernel, StatusName } from '../../binding.js'
import { binding } from '../../lib/backend/binding.ts'

export { binding }

/** What an argument holds where its array class does not say it. */
export interface Stored {
  readonly data: BindingArray
  readonly dtype: DtypeName
}

export type Input = BindingArray | Stored

export interface Call {
  readonly kernel: string
  readonly reduction?: 'none' | 'sum' | 'mean'
  readonly rows: number
  /** 0 for element losses. */
  readonly classes: number
  readonly pred: Input
  readonly target: Input
  readonly weight?: Input | undefined
  readonly extra?: Input | undefined
  readonly upstream?: number | Input | undefined
  readonly values?: Input | undefined
  readonly grad?: Input | undefined
  readonly state?: Uint8Array | undefined
  readonly divisor?: number | undefined
  readonly ignoreIndex?: number | undefined
  readonly labelSmoothing?: number | undefined
  readonly params?: readonly number[] | undefined
}

export interface Outcome {
  readonly value: number
  readonly status: StatusName
  readonly faultIndex: number
  readonly faultValue: number
}

type Arguments = Parameters<typeof binding.run>

export const arrayOf = (input: Input): BindingArray => ('dtype' in input ? input.data : input)

export function dtypeOf(input: Input): DtypeName {
  if ('dtype' in input) return input.dtype
  if (input instanceof Float32Array) return 'float32'
  if (input instanceof Float64Array) return 'float64'
  if (input instanceof Int8Array) return 'int8'
  if (input instanceof Uint8Array) return 'uint8'
  if (input instanceof Int16Array) return 'int16'
  if (input instanceof Uint16Array) return 'uint16'
  if (input instanceof Int32Array) return 'int32'
  if (input instanceof Uint32Array) return 'uint32'
  return 'int64'
}

export function kernelNamed(name: string): Kernel {
  const kernel = binding.kernels.find(candidate => candidate.name === name)
  if (kernel === undefined) throw new Error(`no kernel is named ${name}`)
  return kernel
}

/** Writes the frame and gives the arguments that go with it. */
export function prepare(call: Call): Arguments {
  const { frame, slots, kernels, dtypes } = binding
  const upstream = typeof call.upstream === 'number' ? undefined : call.upstream
  const inputs = [call.pred, call.target, call.weight, call.extra, upstream, call.values, call.grad]
  frame[slots.kernel] = kernels.findIndex(({ name }) => name === call.kernel)
  frame[slots.reduction] = ['none', 'sum', 'mean'].indexOf(call.reduction ?? 'mean')
  frame[slots.upstream] = typeof call.upstream === 'number' ? call.upstream : 1
  frame[slots.divisor] = call.divisor ?? Number.NaN
  frame[slots.rows] = call.rows
  frame[slots.classes] = call.classes
  frame[slots.ignoreIndex] = call.ignoreIndex ?? Number.NaN
  frame[slots.labelSmoothing] = call.labelSmoothing ?? 0
  for (let i = 0; i < 4; i++) frame[slots.params + i] = call.params?.[i] ?? 0
  inputs.forEach((input, i) => {
    frame[slots.dtypes + i] = input === undefined ? -1 : dtypes.indexOf(dtypeOf(input))
  })
  const [pred, target, ...rest] = inputs.map(input => input && arrayOf(input))
  const [weight, extra, up, values, grad] = rest as Argument[]
  return [pred as BindingArray, target as BindingArray, weight, extra, up, values, grad, call.state]
}

export function run(call: Call): Outcome {
  const value = binding.run(...prepare(call))
  const { frame, slots, statuses } = binding
  return {
    value,
    status: statuses[frame[slots.status] as number] as StatusName,
    faultIndex: frame[slots.faultIndex] as number,
    faultValue: frame[slots.faultValue] as number,
  }
}
