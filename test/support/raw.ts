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

/** The sizes of a call; each driver says what they are to it. */
export interface Shape {
  readonly rows: number
  readonly columns: number
  readonly inner: number
  readonly others: number
}

export interface Call extends Shape {
  readonly kernel: string
  readonly reduction?: 'none' | 'sum' | 'mean'
  readonly inputs: readonly Input[]
  readonly weight?: Input | undefined
  readonly upstream?: number | Input | undefined
  readonly values?: Input | undefined
  /** In the order of the kernel's gradients: all of them or none. */
  readonly grads?: readonly (Input | undefined)[]
  readonly state?: Uint8Array | undefined
  readonly divisor?: number | undefined
  readonly ignoreIndex?: number | undefined
  readonly labelSmoothing?: number | undefined
  readonly params?: readonly number[] | undefined
}

export interface Outcome {
  readonly value: number
  readonly status: StatusName
  readonly faultInput: number
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

/** The arrays of a call in the order of the addon: four inputs, weight, upstream, values, three gradients. */
function arraysOf(call: Call): (Input | undefined)[] {
  const { inputs, weight, upstream, values, grads = [] } = call
  if (inputs.length > 4 || grads.length > 3)
    throw new Error('the addon takes four inputs and three gradients')
  return [
    ...[0, 1, 2, 3].map(i => inputs[i]),
    weight,
    typeof upstream === 'number' ? undefined : upstream,
    values,
    ...[0, 1, 2].map(i => grads[i]),
  ]
}

/** Writes the frame and gives the arguments that go with it. */
export function prepare(call: Call): Arguments {
  const { frame, slots, kernels, dtypes } = binding
  frame[slots.kernel] = kernels.findIndex(({ name }) => name === call.kernel)
  frame[slots.reduction] = ['none', 'sum', 'mean'].indexOf(call.reduction ?? 'mean')
  frame[slots.upstream] = typeof call.upstream === 'number' ? call.upstream : 1
  frame[slots.divisor] = call.divisor ?? Number.NaN
  for (const size of ['rows', 'columns', 'inner', 'others'] as const) frame[slots[size]] = call[size]
  frame[slots.ignoreIndex] = call.ignoreIndex ?? Number.NaN
  frame[slots.labelSmoothing] = call.labelSmoothing ?? 0
  frame[slots.matmul] = 0
  frame[slots.workspace] = 0
  for (let i = 0; i < 4; i++) frame[slots.params + i] = call.params?.[i] ?? 0
  frame[slots.wantsValue] = 1
  frame[slots.inPlace] = 1
  const arrays = arraysOf(call)
  arrays.forEach((array, i) => {
    frame[slots.dtypes + i] = array === undefined ? -1 : dtypes.indexOf(dtypeOf(array))
  })
  const data: Argument[] = arrays.map(array => array && arrayOf(array))
  return [...data, call.state] as unknown as Arguments
}

export function run(call: Call): Outcome {
  binding.run(...prepare(call))
  const { frame, slots, statuses } = binding
  return {
    value: frame[slots.value] as number,
    status: statuses[frame[slots.status] as number] as StatusName,
    faultInput: frame[slots.faultInput] as number,
    faultIndex: frame[slots.faultIndex] as number,
    faultValue: frame[slots.faultValue] as number,
  }
}
