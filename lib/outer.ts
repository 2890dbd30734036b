import { type Reduced, runAside } from './aside.ts'
import { slots } from './backend/binding.ts'
import type { Call } from './call.ts'
import type { Definition, Outer } from './definition.ts'
import { detached } from './fault.ts'
import { prepareRun, runNow } from './run.ts'
import { allThere, sentinels } from './tensor/memory.ts'

// A function of the reduced value, by the chain rule: the value first, then the gradient under an incoming gradient that is
// as many times larger as the function is steep.

export function runThrough(loss: Definition, outer: Outer, call: Call): number {
  const inner = runNow(loss, withoutGradients(call))
  if (call.gradients !== undefined) runNow(loss, steeper(call, outer.slope(inner)))
  return outer.of(inner)
}

export async function runThroughAside(
  loss: Definition,
  outer: Outer,
  call: Call,
  signal: AbortSignal | undefined,
): Promise<Reduced> {
  const watched = sentinels(call.arrays)
  const inner = await runAside(loss, withoutGradients(call), signal)
  if (call.gradients !== undefined) {
    if (!allThere(watched)) throw detached(loss)
    await runAside(loss, steeper(call, outer.slope(inner.value)), signal)
  }
  return { value: outer.of(inner.value), count: inner.count }
}

export function prepareRunThrough(loss: Definition, outer: Outer, call: Call): () => number {
  const compute = prepareRun(loss, withoutGradients(call))
  if (call.gradients === undefined) return () => outer.of(compute())
  prepareRun(loss, call) // which finds now what would be wrong with the gradients
  const watched = sentinels(call.arrays)
  return () => {
    if (!allThere(watched)) throw detached(loss)
    const inner = compute()
    runNow(loss, steeper(call, outer.slope(inner)))
    return outer.of(inner)
  }
}

/** The same call for its value alone. */
function withoutGradients(call: Call): Call {
  const numbers = call.numbers.slice()
  numbers[slots.wantsValue] = 1
  numbers.fill(-1, slots.dtypes + 7, slots.dtypes + 10)
  const [a, b, c, d, weight, upstream, values] = call.arrays
  const none = undefined
  return { ...call, numbers, arrays: [a, b, c, d, weight, upstream, values, none, none, none] }
}

/** The same call with `slope` times the incoming gradient. */
function steeper(call: Call, slope: number): Call {
  const numbers = call.numbers.slice()
  numbers[slots.upstream] = (numbers[slots.upstream] as number) * slope
  numbers[slots.wantsValue] = 0
  return { ...call, numbers }
}
