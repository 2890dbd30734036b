import type { BindingArray } from '../binding.js'
import { slots } from './backend/binding.ts'
import type { Configuration } from './configuration.ts'
import type { Definition, KernelOfLoss } from './definition.ts'
import type { Inputs } from './drivers/driver.ts'
import { LosskitShapeError } from './errors.ts'
import { hostOutputs, makeOutputs, type Outputs, type Wanted } from './outputs.ts'
import { conform } from './tensor/compute.ts'
import type { Dtype } from './tensor/dtype.ts'
import { type Data, type Dense, readTensor } from './tensor/read.ts'

/** The arrays of a call, in the order in which the addon takes them. */
export type Arrays<D = BindingArray> = readonly [
  input0: D,
  input1: D | undefined,
  input2: D | undefined,
  input3: D | undefined,
  weight: D | undefined,
  upstream: D | undefined,
  values: D | undefined,
  grad0: D | undefined,
  grad1: D | undefined,
  grad2: D | undefined,
]

/** What the addon is to compute, checked and complete: the numbers of its frame, and its arrays. */
export interface Call<D = BindingArray> {
  readonly numbers: readonly number[]
  readonly arrays: Arrays<D>
  readonly values: D | undefined
  /** The gradients as their owner sees them: the arrays, or the Float16Arrays over their bits. */
  readonly gradients: Readonly<Record<string, unknown>> | undefined
  /** The type of the arithmetic. */
  readonly compute: Dtype
  readonly kernel: KernelOfLoss
  readonly wanted: Wanted
}

/** Makes a call over arrays of the host of a configuration, which is used up. None of them lies on a device. */
export function prepare(
  loss: Definition,
  configuration: Configuration,
  wanted: Wanted,
  given: readonly unknown[],
): Call {
  return assemble(loss, configuration, wanted, given, hostOutputs) as Call
}

/** The same for tensors that lie where the outputs do. */
export function assemble<D extends Data>(
  loss: Definition,
  configuration: Configuration,
  wanted: Wanted,
  given: readonly unknown[],
  place: Outputs<D>,
): Call<Data> {
  const inputs = loss.driver.read(loss, configuration, given)
  const { tensors, weight, compute } = inputs
  const kernel = tensors.length > loss.inputs.length && loss.extra ? loss.extra.kernel : loss.kernel
  const upstream = readUpstream(loss, configuration.upstream, inputs)
  const outputs = makeOutputs(loss, kernel, configuration, wanted, inputs, place)

  const { numbers } = configuration
  numbers[slots.kernel] = kernel.code
  numbers[slots.rows] = inputs.rows
  numbers[slots.columns] = inputs.columns ?? 0
  numbers[slots.inner] = inputs.inner ?? 0
  numbers[slots.others] = inputs.others ?? 0
  numbers[slots.wantsValue] = Number(wanted.value)
  if (!inputs.hasLabels) numbers[slots.ignoreIndex] = Number.NaN
  if (configuration.perSample && Number.isNaN(numbers[slots.divisor])) {
    numbers[slots.divisor] = samplesOf(inputs) || Number.NaN
  }
  const { dtypes } = slots
  for (let i = 0; i < tensors.length; i++) numbers[dtypes + i] = (tensors[i] as Dense).dtype.code
  if (weight !== undefined) numbers[dtypes + 4] = weight.dtype.code
  if (upstream !== undefined) numbers[dtypes + 5] = upstream.dtype.code
  if (outputs.values !== undefined) numbers[dtypes + 6] = compute.code
  for (let i = 0; i < outputs.grads.length; i++) {
    const { input } = kernel.grads[i] as KernelOfLoss['grads'][number]
    numbers[dtypes + 7 + i] = (tensors[input] as Dense).dtype.code
  }

  const [first, second, third, fourth] = tensors
  const [grad0, grad1, grad2] = outputs.grads
  return {
    numbers,
    arrays: [
      (first as Dense).data,
      second?.data,
      third?.data,
      fourth?.data,
      weight?.data,
      upstream?.data,
      outputs.values,
      grad0,
      grad1,
      grad2,
    ],
    values: outputs.values,
    gradients: outputs.gradients,
    compute,
    kernel,
    wanted,
  }
}

/** The first dimension of the first input. */
function samplesOf({ tensors, rows }: Inputs): number {
  return tensors[0]?.shape?.[0] ?? rows
}

function readUpstream(loss: Definition, value: unknown, { rows, compute }: Inputs): Dense | undefined {
  if (value === undefined) return undefined
  const upstream = conform(loss.name, 'upstream', readTensor(loss.name, 'upstream', value), compute)
  if (upstream.data.length !== rows) {
    throw new LosskitShapeError(
      `${loss.name}: upstream has ${upstream.data.length} elements, there are ${rows} values. It must have one for each.`,
    )
  }
  return upstream
}
