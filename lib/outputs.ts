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
  const wantsValues = wanted.value && configuration.reduction === 'none'
  const out = readOut(loss, configuration, wanted, wantsValues)
  const { pred, compute, rows } = inputs

  const valuesKind = compute === float64 ? 'Float64Array' : 'Float32Array'
  const ownValues = accept(loss, valuesName(wanted), out.values, valuesKind, rows)
  const ownGradient = accept(loss, loss.gradName, out.grad, pred.kind, pred.data.length)
  const ownGrad = ownGradient && carrier(ownGradient, pred.kind)
  refuseOverlap(loss, wanted, inputs, upstream, ownValues, ownGrad)

  const values = ownValues ?? (wantsValues ? create(valuesKind, rows) : undefined)
  const gradient = ownGradient ?? (wanted.grad ? create(pred.kind, pred.data.length) : undefined)
  return { values, grad: ownGrad ?? (gradient && carrier(gradient, pred.kind)), gradient }
}

function valuesName({ namesOut }: Wanted): string {
  return namesOut ? 'out.value' : 'out'
}

/** The buffers of the caller. */
interface Out {
  readonly values: unknown
  readonly grad: unknown
}

const NO_BUFFERS: Out = { values: undefined, grad: undefined }

function readOut(
  loss: Definition,
  { out, reduction }: Configuration,
  wanted: Wanted,
  wantsValues: boolean,
): Out {
  if (out === undefined) return NO_BUFFERS
  if (!wanted.namesOut) {
    if (wantsValues) return { values: out, grad: undefined }
    throw new LosskitOptionError(
      `${loss.name}: out takes the values of reduction 'none', but reduction '${reduction}' gives one number. Leave it out.`,
    )
  }
  if (typeof out !== 'object' || out === null || kindOf(out) !== undefined) {
    throw new LosskitOptionError(
      `${loss.name}: out is ${show(out)}. It must be an object of buffers: { ${outNames(loss, wanted, wantsValues)} }.`,
    )
  }
  const buffers = out as Readonly<Record<string, unknown>>
  for (const name in buffers) {
    const isTaken = name === loss.input ? wanted.grad : name === 'value' && wantsValues
    if (!isTaken && buffers[name] !== undefined) {
      throw new LosskitOptionError(
        `${loss.name}: out.${name} would stay empty. out takes ${outNames(loss, wanted, wantsValues) || 'nothing'} here.`,
      )
    }
  }
  return {
    values: wantsValues ? buffers.value : undefined,
    grad: wanted.grad ? buffers[loss.input] : undefined,
  }
}

function outNames(loss: Definition, wanted: Wanted, wantsValues: boolean): string {
  return showList([...(wanted.grad ? [loss.input] : []), ...(wantsValues ? ['value'] : [])])
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

/** The addon writes while it reads, so memory is shared in one way only: the gradient in place of the predictions. */
function refuseOverlap(
  loss: Definition,
  wanted: Wanted,
  inputs: Inputs,
  upstream: Dense | undefined,
  values: Argument,
  grad: Argument,
): void {
  const pred = inputs.pred.data
  if (values !== undefined) {
    const other =
      (overlap(values, pred) && loss.input) ||
      overlapping(loss, values, inputs, upstream) ||
      (grad !== undefined && overlap(values, grad) && loss.gradName)
    if (other) throw shared(loss, valuesName(wanted), other)
  }
  if (grad !== undefined) {
    const inPart = grad !== pred && overlap(grad, pred) && !coincide(grad, pred)
    const other = (inPart && loss.input) || overlapping(loss, grad, inputs, upstream)
    if (other) throw shared(loss, loss.gradName, other)
  }
}

/** Which of the inputs, the first one aside, shares memory with a buffer. */
function overlapping(
  loss: Definition,
  buffer: BindingArray,
  { target, weight, factor }: Inputs,
  upstream: Dense | undefined,
): string | undefined {
  if (overlap(buffer, target.data)) return 'target'
  if (weight !== undefined && overlap(buffer, weight.data)) return 'weight'
  if (factor !== undefined && overlap(buffer, factor.data)) return loss.factor?.name
  if (upstream !== undefined && overlap(buffer, upstream.data)) return 'upstream'
  return undefined
}

function shared(loss: Definition, output: string, other: string): LosskitBufferError {
  return new LosskitBufferError(
    'ERR_OVERLAP',
    `${loss.name}: ${output} shares memory with ${other}. Buffers must lie apart, except that a gradient may be written ` +
      `exactly over ${loss.input}.`,
  )
}
