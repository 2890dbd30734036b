import type { BindingArray, Bound } from '../binding.js'
import { binding, frame, slots } from './backend/binding.ts'
import type { Arrays, Call } from './call.ts'
import type { Definition } from './definition.ts'
import type { Plain } from './drivers/plain.ts'
import { detached, faultInFrame, faultOfPlain } from './fault.ts'
import { allThere, sentinels } from './tensor/memory.ts'

const { run, bind, runBound } = binding

// As constants of this module, which engines read no more than once.
const { posts: POSTS, bound: BOUND, status: STATUS, value: VALUE, count: COUNT } = slots
const { rows: ROWS, columns: COLUMNS, dtypes: DTYPES } = slots

/** From here to the call into the addon no code of the caller's may run: there is one frame for all calls. */
export function post(numbers: readonly number[]): void {
  for (let i = 0; i < POSTS; i++) frame[i] = numbers[i] as number
  frame[POSTS] = (frame[POSTS] as number) + 1
}

/**
 * A call of two arrays without options, for its reduced value and perhaps the gradient of the first. What differs from the
 * last call of its kind are sizes and the type of the second array.
 */
export function runPlain(
  loss: Definition,
  plain: Plain,
  first: BindingArray,
  second: BindingArray,
  gradient?: BindingArray,
): number {
  const { numbers } = plain
  if (frame[POSTS] === plain.posted) {
    frame[ROWS] = numbers[ROWS] as number
    frame[COLUMNS] = numbers[COLUMNS] as number
    frame[DTYPES + 1] = numbers[DTYPES + 1] as number
  } else {
    post(numbers)
    plain.posted = frame[POSTS] as number
  }
  const none = undefined
  if (gradient === none) run(first, second)
  else run(first, second, none, none, none, none, none, gradient)
  if (frame[STATUS] !== 0) throw faultOfPlain(loss, numbers)
  return frame[VALUE] as number
}

/** Returns the reduced value, and adds the partial result to `state` where there is one. */
export function runNow(loss: Definition, call: Call, state?: Uint8Array): number {
  const [a, b, c, d, weight, upstream, values, grad0, grad1, grad2] = call.arrays
  post(call.numbers)
  if (state !== undefined) run(a, b, c, d, weight, upstream, values, grad0, grad1, grad2, state)
  else run(a, b, c, d, weight, upstream, values, grad0, grad1, grad2)
  if (frame[STATUS] !== 0) throw faultInFrame(loss, call)
  return frame[VALUE] as number
}

/** How many values the last call on this thread reduced. */
export function countOfLast(): number {
  return frame[COUNT] as number
}

/**
 * A call prepared once, which returns its reduced value. The addon keeps the addresses of the arrays, so each run makes sure
 * that their memory is still there.
 */
export function prepareRun(loss: Definition, call: Call): () => number {
  const watched = sentinels(call.arrays)
  post(call.numbers)
  const bound = bindArrays(call.arrays)
  if (bound === undefined) throw faultInFrame(loss, call)
  return () => {
    if (!allThere(watched)) throw detached(loss)
    frame[BOUND] = bound.number // read each time, which keeps the bound call alive
    runBound()
    if (frame[STATUS] !== 0) throw faultInFrame(loss, call)
    return frame[VALUE] as number
  }
}

function bindArrays([a, b, c, d, weight, upstream, values, grad0, grad1, grad2]: Arrays): Bound | undefined {
  return bind(a, b, c, d, weight, upstream, values, grad0, grad1, grad2)
}
