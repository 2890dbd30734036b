import type { Argument, BindingArray } from '../binding.js'
import type { Configuration } from './configuration.ts'
import type { Definition, KernelOfLoss } from './definition.ts'
import type { Inputs } from './drivers/driver.ts'
import { LosskitBufferError, LosskitOptionError } from './errors.ts'
import { show, showList } from './show.ts'
import { float64, kindOf } from './tensor/dtype.ts'
import { coincide, isGone, overlap } from './tensor/memory.ts'
import { carrier, type Dense } from './tensor/read.ts'

/** What a call gives back. Where `out` can hold several buffers it names them, otherwise it is the buffer. */
export interface Wanted {
  readonly value: boolean
  readonly grad: boolean
  readonly namesOut: boolean
}

export interface Outputs {
  readonly values: Argument
  /** In the order of the kernel's gradients; none where none are wanted. */
  readonly grads: readonly Argument[]
  /** The gradients as their owner sees them: the arrays, or the Float16Arrays over their bits. */
  readonly gradients: Readonly<Record<string, unknown>> | undefined
}

/** The arrays that the addon fills: the caller's where there are any, new ones otherwise. */
export function makeOutputs(
  loss: Definition,
  kernel: KernelOfLoss,
  configuration: Configuration,
  wanted: Wanted,
  inputs: Inputs,
  upstream: Dense | undefined,
): Outputs {
  const wantsValues = wanted.value && configuration.reduction === 'none'
  const grads = wanted.grad ? kernel.grads : []
  const out = readOut(loss, grads, configuration, wanted, wantsValues)
  const { tensors, compute, rows } = inputs

  const valuesKind = compute === float64 ? 'Float64Array' : 'Float32Array'
  const ownValues = accept(loss, valuesName(wanted), out.values, valuesKind, rows)
  const ownGradients = grads.map(({ input, name }) => {
    const { kind, data } = tensors[input] as Dense
    return accept(loss, `out.${name}`, out.grads[name], kind, data.length)
  })
  const ownGrads = ownGradients.map(
    (own, i) => own && carrier(own, (tensors[(grads[i] as Grad).input] as Dense).kind),
  )
  refuseOverlap(loss, kernel, wanted, inputs, upstream, ownValues, ownGrads)

  const values = ownValues ?? (wantsValues ? create(valuesKind, rows) : undefined)
  const gradients: Record<string, unknown> = {}
  const filled = grads.map(({ input, name }, i) => {
    const { kind, data } = tensors[input] as Dense
    const gradient = ownGradients[i] ?? create(kind, data.length)
    gradients[name] = gradient
    return ownGrads[i] ?? carrier(gradient, kind)
  })
  return { values, grads: filled, gradients: wanted.grad ? gradients : undefined }
}

type Grad = KernelOfLoss['grads'][number]

function valuesName({ namesOut }: Wanted): string {
  return namesOut ? 'out.value' : 'out'
}

/** The buffers of the caller. */
interface Out {
  readonly values: unknown
  readonly grads: Readonly<Record<string, unknown>>
}

const NO_BUFFERS: Out = { values: undefined, grads: {} }

function readOut(
  loss: Definition,
  grads: readonly Grad[],
  { out, reduction }: Configuration,
  wanted: Wanted,
  wantsValues: boolean,
): Out {
  if (out === undefined) return NO_BUFFERS
  if (!wanted.namesOut) {
    if (wantsValues) return { values: out, grads: {} }
    throw new LosskitOptionError(
      `${loss.name}: out takes the values of reduction 'none', but reduction '${reduction}' gives one number. Leave it out.`,
    )
  }
  const names = [...grads.map(({ name }) => name), ...(wantsValues ? ['value'] : [])]
  if (typeof out !== 'object' || out === null || kindOf(out) !== undefined) {
    throw new LosskitOptionError(
      `${loss.name}: out is ${show(out)}. It must be an object of buffers: { ${showList(names)} }.`,
    )
  }
  // Each property is read once: a getter could give another array the next time.
  const buffers: Record<string, unknown> = {}
  for (const name in out) {
    const buffer = (out as Readonly<Record<string, unknown>>)[name]
    if (buffer === undefined) continue
    if (!names.includes(name)) {
      throw new LosskitOptionError(
        `${loss.name}: out.${name} would stay empty. out takes ${showList(names) || 'nothing'} here.`,
      )
    }
    buffers[name] = buffer
  }
  return { values: wantsValues ? buffers.value : undefined, grads: buffers }
}

function accept(
  loss: Definition,
  name: string,
  buffer: unknown,
  kind: string,
  length: number,
): BindingArray | undefined {
  if (buffer === undefined) return undefined
  const array = buffer as BindingArray
  const found = kindOf(array)
  if (found === kind && array.length === length) return array
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

function create(kind: string, length: number): BindingArray {
  if (kind === 'Float32Array') return new Float32Array(length)
  if (kind === 'Float64Array') return new Float64Array(length)
  if (kind === 'Uint16Array') return new Uint16Array(length)
  // Only where the runtime has them can predictions be Float16Arrays.
  const Float16Array = Reflect.get(globalThis, kind) as Uint16ArrayConstructor
  return new Float16Array(length)
}

/**
 * The addon writes while it reads, so memory is shared in one way only: a gradient in place of its own input, where the
 * driver is done with an element before it writes there.
 */
function refuseOverlap(
  loss: Definition,
  kernel: KernelOfLoss,
  wanted: Wanted,
  { tensors, weight }: Inputs,
  upstream: Dense | undefined,
  values: Argument,
  grads: readonly Argument[],
): void {
  if (values === undefined && grads.every(grad => grad === undefined)) return
  const read: [name: string, array: BindingArray][] = tensors.map((tensor, i) => [
    kernel.inputs[i] as string,
    tensor.data,
  ])
  if (weight !== undefined) read.push(['weight', weight.data])
  if (upstream !== undefined) read.push(['upstream', upstream.data])
  const written: [name: string, array: BindingArray][] = []
  const place = (name: string, array: Argument, own?: string) => {
    if (array === undefined) return
    for (const [other, memory] of read) {
      const inPlace = other === own && loss.driver.inPlace && coincide(array, memory)
      if (!inPlace && overlap(array, memory)) throw shared(loss, name, other, own)
    }
    for (const [other, memory] of written) if (overlap(array, memory)) throw shared(loss, name, other, own)
    written.push([name, array])
  }
  kernel.grads.forEach(({ name }, i) => {
    place(`out.${name}`, grads[i], name)
  })
  place(valuesName(wanted), values)
}

function shared(
  loss: Definition,
  output: string,
  other: string,
  own: string | undefined,
): LosskitBufferError {
  const except = loss.driver.inPlace
    ? `, except that a gradient may be written exactly over ${own ?? 'its own input'}`
    : ''
  return new LosskitBufferError(
    'ERR_OVERLAP',
    `${loss.name}: ${output} shares memory with ${other}. Buffers must lie apart${except}.`,
  )
}
