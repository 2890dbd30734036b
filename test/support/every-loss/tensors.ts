/** The same tensors with other numbers, a part of them, or in another place. */

import { type Floats, shifted } from '../floats.ts'
import type { EveryLoss, Tensor, Truth } from './entry.ts'

export const isFloats = (data: Tensor['data']): data is Floats => !(data instanceof Int32Array)

/** The keys of the gradients that belong to inputs. */
export const inputKeys = ({ places }: EveryLoss): { readonly key: string; readonly position: number }[] =>
  Object.entries(places).flatMap(([key, position]) =>
    typeof position === 'number' ? [{ key, position }] : [],
  )

/** The inputs with another one in a place. */
export function withInput(inputs: readonly Tensor[], position: number, data: Tensor['data']): Tensor[] {
  return inputs.map((tensor, k) => (k === position ? { data, shape: tensor.shape } : tensor))
}

/** Copies of the arrays of the inputs. */
export const copied = (inputs: readonly Tensor[]): Tensor[] =>
  inputs.map(({ data, shape }) => ({ data: data.slice(), shape }))

/** The inputs with one number of one of them changed. */
export function withNumber(inputs: readonly Tensor[], position: number, index: number, to: number): Tensor[] {
  const data = (inputs[position] as Tensor).data.slice()
  data[index] = to
  return withInput(inputs, position, data)
}

/** Numbers before, at and after each step in a dimension. */
function strides({ shape }: Tensor, axis: number): { outer: number; size: number; inner: number } {
  const product = (part: readonly number[]) => part.reduce((a, b) => a * b, 1)
  return {
    outer: product(shape.slice(0, axis)),
    size: shape[axis] as number,
    inner: product(shape.slice(axis + 1)),
  }
}

/** The sample that number `index` of a tensor belongs to. */
export function sampleOf(tensor: Tensor, axis: number, index: number): number {
  const { size, inner } = strides(tensor, axis)
  return Math.floor(index / inner) % size
}

/** Samples `from` to `to` of all inputs of a loss whose samples are not coupled. */
export function samplesOf(
  { axes }: EveryLoss,
  inputs: readonly Tensor[],
  from: number,
  to: number,
): Tensor[] {
  return inputs.map((tensor, k) => {
    const axis = axes[k] as number
    const { outer, size, inner } = strides(tensor, axis)
    const parts = Array.from({ length: outer }, (_, o) =>
      Array.from(tensor.data.subarray((o * size + from) * inner, (o * size + to) * inner)),
    )
    const Kind = tensor.data.constructor as Float64ArrayConstructor
    return { data: Kind.from(parts.flat()), shape: tensor.shape.with(axis, to - from) }
  })
}

/** All inputs one number into a larger buffer. */
export const unaligned = (inputs: readonly Tensor[]): Tensor[] =>
  inputs.map(({ data, shape }) => ({
    data: isFloats(data) ? shifted(data) : new Int32Array(Int32Array.of(0, ...data).buffer, 4),
    shape,
  }))

/**
 * What is added up for the mean: the values, or where they are divided by a length before it, quotients that are rounded
 * once to the type of the arithmetic. The value itself is not rounded first; so in float32 the reference stands for it.
 */
export function termsOf(values: Floats, truth: Pick<Truth, 'values' | 'lengths'>): number[] {
  return Array.from(values, (value, i) => {
    const length = truth.lengths[i] as number
    if (length === 1 || values instanceof Float64Array) return value / length
    return Math.fround((truth.values[i] as number) / length)
  })
}
