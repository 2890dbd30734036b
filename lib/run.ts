import type { BindingArray } from '../binding.js'
import { binding, frame, slots } from './backend/binding.ts'
import type { Arrays, Call } from './call.ts'
import type { Definition, KernelOfLoss } from './definition.ts'
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
  first: BindingArray,
  second: BindingArray,
): number {
  post(numbers)
  const none = undefined
  const value = run(first, second, none, none, none, none, none, none, none, none, none)
  if (frame[slots.status] !== 0) throw faultInFrame(loss, loss.kernel, numbers)
  return value
}

/** A reduced value, and how many values it is made of. */
export interface Reduced {
  readonly value: number
  readonly count: number
}

/** Returns the reduced value, and adds the partial result to `state` where there is one. */
export function runNow(loss: Definition, { numbers, arrays, kernel }: Call, state?: Uint8Array): Reduced {
  const [a, b, c, d, weight, upstream, values, grad0, grad1, grad2] = arrays
  post(numbers)
  const value = run(a, b, c, d, weight, upstream, values, grad0, grad1, grad2, state)
  if (frame[slots.status] !== 0) throw faultInFrame(loss, kernel, numbers)
  return { value, count: frame[slots.count] as number }
}

/** The same on another thread. */
export async function runAside(
  loss: Definition,
  { numbers, arrays, kernel }: Call,
  signal: AbortSignal | undefined,
  state?: Uint8Array,
): Promise<Reduced> {
  if (signal?.aborted) throw signal.reason
  const [a, b, c, d, weight, upstream, values, grad0, grad1, grad2] = arrays
  const watched = sentinels(arrays)
  const cancel = signal && new Int32Array(1)
  const abort = () => cancel?.fill(1)
  signal?.addEventListener('abort', abort)
  let result: Float64Array
  try {
    post(numbers)
    result = await runAsync(a, b, c, d, weight, upstream, values, grad0, grad1, grad2, state, cancel)
  } finally {
    signal?.removeEventListener('abort', abort)
  }
  if (signal?.aborted) throw signal.reason
  if (!allThere(watched)) throw detached(loss)
  const [status, value, input, index, fault, count] = result as unknown as readonly [
    status: number,
    value: number,
    input: number,
    index: number,
    fault: number,
    count: number,
  ]
  if (status !== 0) throw faultOf(loss, kernel, numbers, { status, input, index, value: fault })
  return { value, count }
}

/**
 * A call prepared once. The addon keeps the addresses of the arrays, so each run makes sure that their memory is still there.
 */
export function prepareRun(loss: Definition, { numbers, arrays, kernel }: Call): () => number {
  const watched = sentinels(arrays)
  post(numbers)
  const compute = bindArrays(arrays)
  return () => {
    if (!allThere(watched)) throw detached(loss)
    const value = compute()
    if (frame[slots.status] !== 0) throw faultInFrame(loss, kernel, numbers)
    return value
  }
}

function bindArrays([a, b, c, d, weight, upstream, values, grad0, grad1, grad2]: Arrays): () => number {
  return bind(a, b, c, d, weight, upstream, values, grad0, grad1, grad2)
}

/** How many values the last call on this thread reduced. */
export function countOfLast(): number {
  return frame[slots.count] as number
}

export function detached(loss: Definition): LosskitBufferError {
  return new LosskitBufferError(
    'ERR_DETACHED',
    `${loss.name}: the memory of an array is gone: its buffer was transferred or resized while the call still needed it.`,
  )
}

interface Fault {
  readonly status: number
  /** Position of the input. */
  readonly input: number
  readonly index: number
  readonly value: number
}

function faultInFrame(loss: Definition, kernel: KernelOfLoss, numbers: readonly number[]): LosskitError {
  return faultOf(loss, kernel, numbers, {
    status: frame[slots.status] as number,
    input: frame[slots.faultInput] as number,
    index: frame[slots.faultIndex] as number,
    value: frame[slots.faultValue] as number,
  })
}

/** Why the addon refused the inputs. */
function faultOf(
  loss: Definition,
  { inputs }: KernelOfLoss,
  numbers: readonly number[],
  { status, input, index, value }: Fault,
): LosskitError {
  if (statuses[status] === 'aborted') {
    return new LosskitBackendError(`${loss.name}: there is not enough memory for this call.`)
  }
  const name = inputs[input] as string
  const found = `${loss.name}: ${name}[${index}] is ${value}.`
  if (statuses[status] === 'label') {
    return new LosskitLabelError(`${found} ${loss.driver.labels?.(numbers) ?? ''}`, index, value)
  }
  return new LosskitDomainError(`${found} ${loss.domain[name] ?? ''}`, index, value)
}
