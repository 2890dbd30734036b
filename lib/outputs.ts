import type { BindingArray } from '../binding.js'
import type { Configuration } from './configuration.ts'
import { requireHere } from './cuda/place.ts'
import type { Definition, KernelOfLoss } from './definition.ts'
import type { Inputs } from './drivers/driver.ts'
import { LosskitBufferError, LosskitOptionError } from './errors.ts'
import { show, showList } from './show.ts'
import { createArray } from './tensor/alloc.ts'
import { type Dtype, float32, float64, kindOf } from './tensor/dtype.ts'
import { isGone } from './tensor/memory.ts'
import { carrier, type Data, type Dense } from './tensor/read.ts'

/** What a call gives back. Where `out` can hold several buffers it names them, otherwise it is the buffer. */
export interface Wanted {
  readonly value: boolean
  readonly grad: boolean
  readonly namesOut: boolean
}

export interface Made<D extends Data> {
  readonly values: D | undefined
  /** In the order of the kernel's gradients; none where none are wanted. */
  readonly grads: readonly D[]
  /** The gradients as their owner sees them: the arrays, or the Float16Arrays over their bits. */
  readonly gradients: Readonly<Record<string, unknown>> | undefined
}

/** Where results go: arrays here, or tensors of a device. `kind` is the class of an array; without a shape it is flat. */
export interface Outputs<D extends Data> {
  create(dtype: Dtype, kind: string, length: number, shape: Shape): D
  /** One of the caller's, which `name` says in words. */
  accept(loss: Definition, name: string, buffer: unknown, dtype: Dtype, kind: string, length: number): D
  /** As the addon takes it. */
  carry(output: D, kind: string): D
}

type Shape = Dense['shape']

/** What the addon fills: the caller's where there is any, new otherwise. */
export function makeOutputs<D extends Data>(
  loss: Definition,
  kernel: KernelOfLoss,
  configuration: Configuration,
  wanted: Wanted,
  { tensors, compute, rows }: Inputs,
  outputs: Outputs<D>,
): Made<D> {
  const wantsValues = wanted.value && configuration.reduction === 'none'
  const { out } = configuration
  const buffers = out === undefined ? undefined : readOut(loss, kernel, configuration, wanted, wantsValues)

  let values: D | undefined
  if (wantsValues) {
    const type = compute === float64 ? float64 : float32
    const kind = compute === float64 ? 'Float64Array' : 'Float32Array'
    const own = wanted.namesOut ? buffers?.value : out
    const { data, shape } = tensors[0] as Dense
    values =
      own === undefined
        ? outputs.create(type, kind, rows, data.length === rows ? shape : undefined)
        : outputs.accept(loss, valuesName(wanted), own, type, kind, rows)
  }
  if (!wanted.grad) return { values, grads: [], gradients: undefined }

  const gradients: Record<string, unknown> = {}
  const filled: D[] = []
  for (let i = 0; i < kernel.grads.length; i++) {
    const { input, name } = kernel.grads[i] as Grad
    const { dtype, kind, shape, data } = tensors[input] as Dense
    const { length } = data
    const own = buffers?.[name]
    const gradient =
      own === undefined
        ? outputs.create(dtype, kind, length, shape)
        : outputs.accept(loss, `out.${name}`, own, dtype, kind, length)
    gradients[name] = gradient
    filled.push(outputs.carry(gradient, kind))
  }
  return { values, grads: filled, gradients }
}

/** Arrays of the host. */
export const hostOutputs: Outputs<BindingArray> = {
  create: (_, kind, length) => createArray(kind, length),
  accept,
  carry: carrier,
}

type Grad = KernelOfLoss['grads'][number]

export function valuesName({ namesOut }: Wanted): string {
  return namesOut ? 'out.value' : 'out'
}

/** The buffers of the caller by name, undefined where it is one buffer without a name. */
type Buffers = Readonly<Record<string, unknown>>

function readOut(
  loss: Definition,
  { grads }: KernelOfLoss,
  { out, reduction }: Configuration,
  { namesOut, grad }: Wanted,
  wantsValues: boolean,
): Buffers | undefined {
  if (!namesOut) {
    if (wantsValues) return undefined
    throw new LosskitOptionError(
      `${loss.name}: out takes the values of reduction 'none', but reduction '${reduction}' gives one number. Leave it out.`,
    )
  }
  const names = (): string =>
    showList([...(grad ? grads.map(({ name }) => name) : []), ...(wantsValues ? ['value'] : [])])
  if (typeof out !== 'object' || out === null || kindOf(out) !== undefined) {
    throw new LosskitOptionError(
      `${loss.name}: out is ${show(out)}. It must be an object of buffers: { ${names()} }.`,
    )
  }
  // Each property is read once: a getter could give another array the next time.
  const buffers: Record<string, unknown> = {}
  for (const name in out) {
    const buffer = (out as Buffers)[name]
    if (buffer === undefined) continue
    if (!((wantsValues && name === 'value') || (grad && isGradient(grads, name)))) {
      throw new LosskitOptionError(
        `${loss.name}: out.${name} would stay empty. out takes ${names() || 'nothing'} here.`,
      )
    }
    buffers[name] = buffer
  }
  return buffers
}

function isGradient(grads: readonly Grad[], name: string): boolean {
  for (let i = 0; i < grads.length; i++) if ((grads[i] as Grad).name === name) return true
  return false
}

function accept(
  loss: Definition,
  name: string,
  buffer: unknown,
  _: Dtype,
  kind: string,
  length: number,
): BindingArray {
  const array = buffer as BindingArray
  const found = kindOf(array)
  if (found === kind && array.length === length) return array
  requireHere(loss, name, buffer)
  if (found !== undefined && array.length === 0 && isGone(array)) {
    throw new LosskitBufferError(
      'ERR_DETACHED',
      `${loss.name}: the memory of ${name} is gone: its buffer was transferred or resized.`,
    )
  }
  const given = found === undefined ? show(array) : `a ${found} of ${array.length} elements`
  throw new LosskitBufferError(
    'ERR_OUT',
    `${loss.name}: ${name} is ${given}. It must be a ${kind} of ${length} elements.`,
  )
}
