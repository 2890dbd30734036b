import type { BindingArray } from '../binding.js'
import { binding, frame, slots } from './backend/binding.ts'
import type { Call } from './call.ts'
import type { Definition } from './definition.ts'
import {
  LosskitBackendError,
  LosskitBufferError,
  LosskitDomainError,
  type LosskitError,
  LosskitLabelError,
} from './errors.ts'
import { allThere, sentinels } from './tensor/memory.ts'

const { run, runAsync, bind, statuses } = binding

/** From here to the call into the addon no code of the caller's may run: there is one frame for all calls. */
function post(numbers: readonly number[]): void {
  for (let i = 0; i < numbers.length; i++) frame[i] = numbers[i] as number
}

/** A call of two arrays that asks for its reduced value only. */
export function runPlain(
  loss: Definition,
  numbers: number[],
  pred: BindingArray,
  target: BindingArray,
): number {
  post(numbers)
  const value = run(pred, target, undefined, undefined, undefined, undefined, undefined, undefined)
  if (frame[slots.status] !== 0) throw faultInFrame(loss, numbers)
  return value
}

/** Returns the reduced value, and adds the partial result to `state` where there is one. */
export function runNow(loss: Definition, call: Call, state?: Uint8Array): number {
  const { numbers, pred, target, weight, factor, upstream, values, grad } = call
  post(numbers)
  const value = run(pred, target, weight, factor, upstream, values, grad, state)
  if (frame[slots.status] !== 0) throw faultInFrame(loss, numbers)
  return value
}

/** The same on another thread. */
export async function runAside(
  loss: Definition,
  call: Call,
  signal: AbortSignal | undefined,
  state?: Uint8Array,
): Promise<number> {
  if (signal?.aborted) throw signal.reason
  const { numbers, pred, target, weight, factor, upstream, values, grad } = call
  const watched = sentinels([pred, target, weight, factor, upstream, values, grad])
  const cancel = signal && new Int32Array(1)
  const abort = () => cancel?.fill(1)
  signal?.addEventListener('abort', abort)
  let result: Float64Array
  try {
    post(numbers)
    result = await runAsync(pred, target, weight, factor, upstream, values, grad, state, cancel)
  } finally {
    signal?.removeEventListener('abort', abort)
  }
  if (signal?.aborted) throw signal.reason
  if (!allThere(watched)) throw detached(loss)
  const [status, value, index, fault] = result as unknown as readonly [number, number, number, number]
  if (status !== 0) throw faultOf(loss, numbers, status, index, fault)
  return value
}

/**
 * A call prepared once. The addon keeps the addresses of the arrays, so each run makes sure that their memory is still there.
 */
export function prepareRun(loss: Definition, call: Call): () => number {
  const { numbers, pred, target, weight, factor, upstream, values, grad } = call
  const watched = sentinels([pred, target, weight, factor, upstream, values, grad])
  post(numbers)
  const compute = bind(pred, target, weight, factor, upstream, values, grad)
  return () => {
    if (!allThere(watched)) throw detached(loss)
    const value = compute()
    if (frame[slots.status] !== 0) throw faultInFrame(loss, numbers)
    return value
  }
}

function detached(loss: Definition): LosskitBufferError {
  return new LosskitBufferError(
    'ERR_DETACHED',
    `${loss.name}: the memory of an array is gone: its buffer was transferred or resized while the call still needed it.`,
  )
}

function faultInFrame(loss: Definition, numbers: readonly number[]): LosskitError {
  const { status, faultIndex, faultValue } = slots
  return faultOf(
    loss,
    numbers,
    frame[status] as number,
    frame[faultIndex] as number,
    frame[faultValue] as number,
  )
}

/** Why the addon refused the inputs. */
function faultOf(
  loss: Definition,
  numbers: readonly number[],
  status: number,
  index: number,
  value: number,
): LosskitError {
  if (statuses[status] === 'label') {
    const ignoreIndex = numbers[slots.ignoreIndex] as number
    const orIgnored = Number.isNaN(ignoreIndex) ? '' : `, or ignoreIndex, which is ${ignoreIndex}`
    const last = (numbers[slots.classes] as number) - 1
    return new LosskitLabelError(
      `${loss.name}: target[${index}] is ${value}. A class label must be from 0 to ${last}${orIgnored}.`,
      index,
      value,
    )
  }
  if (statuses[status] === 'aborted') {
    return new LosskitBackendError(`${loss.name}: there is not enough memory for the threads of this call.`)
  }
  const name = statuses[status] === 'pred' ? loss.input : 'target'
  return new LosskitDomainError(`${loss.name}: ${name}[${index}] is ${value}. ${loss.domain}`, index, value)
}
