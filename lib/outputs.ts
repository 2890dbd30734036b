import type { Argument, BindingArray } from '../binding.js'
import type { Configuration } from './configuration.ts'
import type { Definition } from './definition.ts'
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
  readonly grad: Argument
  /** The gradient as its owner sees it: `grad`, or the Float16Array over its bits. */
  readonly gradient: unknown
}

/** The arrays that the addon fills: the caller's where there are any, new ones otherwise. */
export function makeOutputs(
  loss: Definition,
  configuration: Configuration,
  wanted: Wanted,
  inputs: Inputs,
  upstream: Dense | undefined,
): Outputs {
  const { pred, compute, rows } = inputs
  const wantsValues = wanted.value && configuration.reduction === 'none'
  const out = readOut(loss, configuration, wanted, wantsValues)

  const valuesKind = compute === float64 ? 'Float64Array' : 'Float32Array'
  const values = wantsValues
    ? (accept(loss, out?.values, valuesKind, rows) ?? create(valuesKind, rows))
    : undefined
  const size = pred.data.length
  const gradient = wanted.grad
    ? (accept(loss, out?.grad, pred.kind, size) ?? create(pred.kind, size))
    : undefined
  const grad = gradient && carrier(gradient, pred.kind)

  if (out !== undefined) refuseOverlap(loss, out, values, grad, inputs, upstream)
  return { values, grad, gradient }
}

/** A buffer in `out`, and what the caller calls it. */
interface Buffer {
  readonly name: string
  readonly array: unknown
}

interface Out {
  readonly values: Buffer | undefined
  readonly grad: Buffer | undefined
}

function readOut(
  loss: Definition,
  { out, reduction }: Configuration,
  wanted: Wanted,
  wantsValues: boolean,
): Out | undefined {
  if (out === undefined) return undefined
  if (!wanted.namesOut) {
    if (wantsValues) return { values: { name: 'out', array: out }, grad: undefined }
    throw new LosskitOptionError(
      `${loss.name}: out takes the values of reduction 'none', but reduction '${reduction}' gives one number. Leave it out.`,
    )
  }
  const takes = [...(wanted.grad ? [loss.input] : []), ...(wantsValues ? ['value'] : [])]
  if (typeof out !== 'object' || out === null || kindOf(out) !== undefined) {
    throw new LosskitOptionError(
      `${loss.name}: out is ${show(out)}. It must be an object of buffers: { ${takes.join(', ')} }.`,
    )
  }
  for (const name in out) {
    if (!takes.includes(name)) {
      throw new LosskitOptionError(
        `${loss.name}: out.${name} would stay empty. out takes ${takes.length > 0 ? showList(takes) : 'nothing'} here.`,
      )
    }
  }
  const buffers = out as Readonly<Record<string, unknown>>
  const buffer = (name: string) => ({ name: `out.${name}`, array: buffers[name] })
  return {
    values: wantsValues ? buffer('value') : undefined,
    grad: wanted.grad ? buffer(loss.input) : undefined,
  }
}

function accept(
  loss: Definition,
  buffer: Buffer | undefined,
  kind: string,
  length: number,
): BindingArray | undefined {
  if (buffer?.array === undefined) return undefined
  const array = buffer.array as BindingArray
  const found = kindOf(array)
  if (found !== kind || array.length !== length) {
    if (found !== undefined && array.length === 0 && isGone(array)) {
      throw new LosskitBufferError(
        'ERR_DETACHED',
        `${loss.name}: the memory of ${buffer.name} is gone: its buffer was transferred or resized.`,
      )
    }
    const given = found === undefined ? show(array) : `a ${found} of ${array.length} elements`
    throw new LosskitBufferError(
      'ERR_OUT',
      `${loss.name}: ${buffer.name} is ${given}. It must be a ${kind} of ${length} elements.`,
    )
  }
  return array
}

function create(kind: string, length: number): BindingArray {
  if (kind === 'Float32Array') return new Float32Array(length)
  if (kind === 'Float64Array') return new Float64Array(length)
  if (kind === 'Uint16Array') return new Uint16Array(length)
  // Predictions of a kind that this library's own runtime does not know: only they can be Float16Arrays.
  const Float16Array = Reflect.get(globalThis, kind) as Uint16ArrayConstructor
  return new Float16Array(length)
}

/** The addon writes while it reads, so memory is shared in one way only: the gradient in place of the predictions. */
function refuseOverlap(
  loss: Definition,
  out: Out,
  values: Argument,
  grad: Argument,
  inputs: Inputs,
  upstream: Dense | undefined,
): void {
  const sources = [
    { name: 'target', array: inputs.target.data },
    { name: 'weight', array: inputs.weight?.data },
    { name: loss.factor?.name, array: inputs.factor?.data },
    { name: 'upstream', array: upstream?.data },
  ]
  const pred = { name: loss.input, array: inputs.pred.data }
  if (values !== undefined) {
    requireApart(loss, { name: out.values?.name, array: values }, [
      pred,
      ...sources,
      { name: out.grad?.name, array: grad },
    ])
  }
  if (grad !== undefined) {
    const inPlace = coincide(grad, pred.array)
    requireApart(loss, { name: out.grad?.name, array: grad }, inPlace ? sources : [pred, ...sources])
  }
}

interface Named<A> {
  readonly name: string | undefined
  readonly array: A
}

function requireApart(
  loss: Definition,
  output: Named<BindingArray>,
  others: readonly Named<Argument>[],
): void {
  for (const { name, array } of others) {
    if (array !== undefined && overlap(output.array, array)) {
      throw new LosskitBufferError(
        'ERR_OVERLAP',
        `${loss.name}: ${output.name} shares memory with ${name}. Buffers must lie apart, except that a gradient may be ` +
          `written exactly over ${loss.input}.`,
      )
    }
  }
}
