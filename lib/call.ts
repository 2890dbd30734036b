import type { Argument, BindingArray } from '../binding.js'
import { slots } from './backend/binding.ts'
import type { Configuration } from './configuration.ts'
import type { Definition } from './definition.ts'
import type { Inputs } from './drivers/driver.ts'
import { LosskitShapeError } from './errors.ts'
import { makeOutputs, type Wanted } from './outputs.ts'
import { conform } from './tensor/compute.ts'
import type { Dtype } from './tensor/dtype.ts'
import { type Dense, readTensor } from './tensor/read.ts'

/** What the addon is to compute, checked and complete: the numbers of its frame, and its arrays. */
export interface Call {
  readonly numbers: readonly number[]
  readonly pred: BindingArray
  readonly target: BindingArray
  readonly weight: Argument
  readonly factor: Argument
  readonly upstream: Argument
  readonly values: Argument
  readonly grad: Argument
  /** The gradient as its owner sees it: `grad`, or the Float16Array over its bits. */
  readonly gradient: unknown
  /** The type of the arithmetic. */
  readonly compute: Dtype
}

export function prepare(
  loss: Definition,
  configuration: Configuration,
  wanted: Wanted,
  predGiven: unknown,
  targetGiven: unknown,
): Call {
  const inputs = loss.driver.read(loss, configuration, predGiven, targetGiven)
  const { pred, target, weight, factor, compute } = inputs
  const upstream = readUpstream(loss, configuration.upstream, inputs)
  const { values, grad, gradient } = makeOutputs(loss, configuration, wanted, inputs, upstream)

  const numbers = configuration.numbers.slice()
  if (factor !== undefined && loss.factor !== undefined) numbers[slots.kernel] = loss.factor.kernel
  numbers[slots.rows] = inputs.rows
  numbers[slots.classes] = inputs.classes
  if (!inputs.hasLabels) numbers[slots.ignoreIndex] = Number.NaN
  numbers[slots.dtypes] = pred.dtype.code
  numbers[slots.dtypes + 1] = target.dtype.code
  if (weight !== undefined) numbers[slots.dtypes + 2] = weight.dtype.code
  if (factor !== undefined) numbers[slots.dtypes + 3] = factor.dtype.code
  if (upstream !== undefined) numbers[slots.dtypes + 4] = upstream.dtype.code
  if (values !== undefined) numbers[slots.dtypes + 5] = compute.code
  if (grad !== undefined) numbers[slots.dtypes + 6] = pred.dtype.code

  return {
    numbers,
    pred: pred.data,
    target: target.data,
    weight: weight?.data,
    factor: factor?.data,
    upstream: upstream?.data,
    values,
    grad,
    gradient,
    compute,
  }
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

/** Whether there is nothing to average: no rows, or ignored ones only. */
export function isEmpty({ numbers, target }: Call): boolean {
  if (numbers[slots.rows] === 0) return true
  const ignoreIndex = numbers[slots.ignoreIndex] as number
  if (Number.isNaN(ignoreIndex)) return false
  for (let i = 0; i < target.length; i++) {
    if (Number(target[i]) !== ignoreIndex) return false
  }
  return true
}
