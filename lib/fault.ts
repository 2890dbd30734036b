import { binding, frame, slots } from './backend/binding.ts'
import type { Call } from './call.ts'
import type { Definition, KernelOfLoss } from './definition.ts'
import {
  LosskitBackendError,
  LosskitBufferError,
  LosskitDomainError,
  type LosskitError,
  LosskitLabelError,
} from './errors.ts'
import { valuesName } from './outputs.ts'

/** What the addon found wrong: see `Slots` of the addon. */
export interface Fault {
  readonly status: number
  readonly input: number
  readonly index: number
  readonly value: number
}

/** Why the addon refused the last call on this thread. */
export function faultInFrame(loss: Definition, call: Refused): LosskitError {
  return faultOf(loss, call, lastFault())
}

/** The same where there was no option but a gradient's buffer. */
export function faultOfPlain(loss: Definition, numbers: readonly number[]): LosskitError {
  return faultOf(loss, { kernel: loss.kernel, numbers, wanted: PLAIN }, lastFault())
}

const PLAIN: Call['wanted'] = { value: true, grad: true, namesOut: true }

/** What of a call tells of its faults. */
export type Refused = Pick<Call, 'kernel' | 'numbers' | 'wanted'>

export function faultOf(loss: Definition, call: Refused, fault: Fault): LosskitError {
  if (binding.statuses[fault.status] === 'overlap') return overlapping(loss, call, fault.input, fault.index)
  return faultOfInput(loss, call.kernel, call.numbers, fault)
}

function lastFault(): Fault {
  return {
    status: frame[slots.status] as number,
    input: frame[slots.faultInput] as number,
    index: frame[slots.faultIndex] as number,
    value: frame[slots.faultValue] as number,
  }
}

function faultOfInput(
  loss: Definition,
  { inputs }: KernelOfLoss,
  numbers: readonly number[],
  { status, input, index, value }: Fault,
): LosskitError {
  const why = binding.statuses[status]
  if (why === 'aborted') {
    return new LosskitBackendError(`${loss.name}: there is not enough memory for this call.`)
  }
  const name = inputs[input] as string
  const found = `${loss.name}: ${name}[${index}] is ${value}.`
  if (why === 'label') {
    return new LosskitLabelError(`${found} ${loss.driver.labels?.(numbers) ?? ''}`, index, value)
  }
  return new LosskitDomainError(`${found} ${loss.domain[name] ?? ''}`, index, value)
}

/** Two arrays of a call share memory, by their positions among the arguments of the addon. */
function overlapping(
  loss: Definition,
  { kernel, wanted }: Refused,
  output: number,
  other: number,
): LosskitBufferError {
  const gradients = kernel.grads.map(({ name }) => name)
  const outputs = [valuesName(wanted), ...gradients.map(name => `out.${name}`)]
  const names = [...[0, 1, 2, 3].map(i => kernel.inputs[i]), 'weight', 'upstream', ...outputs]
  const own = gradients[output - names.length + gradients.length] ?? 'its own input'
  const except = loss.driver.inPlace ? `, except that a gradient may be written exactly over ${own}` : ''
  return new LosskitBufferError(
    'ERR_OVERLAP',
    `${loss.name}: ${names[output]} shares memory with ${names[other]}. Buffers must lie apart${except}.`,
  )
}

export function detached(loss: Definition): LosskitBufferError {
  return new LosskitBufferError(
    'ERR_DETACHED',
    `${loss.name}: the memory of an array is gone: its buffer was transferred or resized while the call still needed it.`,
  )
}
