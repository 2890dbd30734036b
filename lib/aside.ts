import { binding, frame, slots } from './backend/binding.ts'
import type { Call } from './call.ts'
import type { Definition } from './definition.ts'
import { detached, faultInFrame, faultOf } from './fault.ts'
import { setImmediate } from './node.ts'
import { countOfLast, post } from './run.ts'
import { allThere, sentinels } from './tensor/memory.ts'

/** A reduced value, and how many values it is made of. */
export interface Reduced {
  readonly value: number
  readonly count: number
}

/**
 * A call off the event loop. What takes less time than handing it over is computed at once, and its result given in the next
 * turn of the event loop: a program that awaits one call after the other always lets others in.
 */
export async function runAside(
  loss: Definition,
  call: Call,
  signal: AbortSignal | undefined,
  state?: Uint8Array,
): Promise<Reduced> {
  if (signal?.aborted) throw signal.reason
  const [a, b, c, d, weight, upstream, values, grad0, grad1, grad2] = call.arrays
  const cancel = signal && new Int32Array(1)
  post(call.numbers)
  const pending = binding.runAsync(a, b, c, d, weight, upstream, values, grad0, grad1, grad2, state, cancel)
  if (pending === undefined) {
    if (frame[slots.status] !== 0) throw faultInFrame(loss, call)
    const reduced = { value: frame[slots.value] as number, count: countOfLast() }
    await nextTurn()
    if (signal?.aborted) throw signal.reason
    return reduced
  }
  const watched = sentinels(call.arrays)
  const [status, value, input, index, found, count] = await stoppable(pending, signal, cancel)
  if (!allThere(watched)) throw detached(loss)
  if (status !== 0) throw faultOf(loss, call, { status, input, index, value: found })
  return { value, count }
}

/** Raises the flag when the signal is raised. */
async function stoppable<T>(
  pending: Promise<T>,
  signal: AbortSignal | undefined,
  cancel: Int32Array | undefined,
): Promise<T> {
  if (signal === undefined) return pending
  const abort = () => cancel?.fill(1)
  signal.addEventListener('abort', abort)
  let result: T
  try {
    result = await pending
  } finally {
    signal.removeEventListener('abort', abort)
  }
  if (signal.aborted) throw signal.reason
  return result
}

let turn: Promise<void> | undefined

/** All that wait for the next turn of the event loop wait together. */
function nextTurn(): Promise<void> {
  turn ??= new Promise(resolve => {
    setImmediate(() => {
      turn = undefined
      resolve()
    })
  })
  return turn
}
