import type { BindingArray } from '../binding.js'
import { servesByDefault } from './backend/choose.ts'
import type { Definition } from './definition.ts'
import { isLiteralOf } from './drivers/plain.ts'
import type { Wanted } from './outputs.ts'
import { runPlain } from './run.ts'
import { createArray } from './tensor/alloc.ts'
import { kindOf } from './tensor/dtype.ts'

// The commonest calls, two arrays and no options but `out`, go a short way that allocates nothing but results. It
// takes no decisions: whatever is not as expected goes the long way, where all errors are made.

/** A form of a loss: its inputs in order, then its options. */
export type Form<Result> = (...given: unknown[]) => Result

const VALUE: Wanted = { value: true, grad: false, namesOut: false }

export function plainValue(loss: Definition, value: Form<unknown>): Form<unknown> {
  const check = loss.driver.plain?.(loss, VALUE)
  if (check === undefined || !servesByDefault) return value
  const { outer } = loss
  return (first, second, options) => {
    const plain = options === undefined ? check(first, second) : undefined
    if (plain === undefined) return value(first, second, options)
    const reduced = runPlain(loss, plain, plain.take(), second as BindingArray)
    return outer === undefined ? reduced : outer.of(reduced)
  }
}

/** For losses whose one gradient is that of the first input. */
export function plainGradient(loss: Definition, wanted: Wanted, long: Form<unknown>): Form<unknown> {
  const { kernel, outer } = loss
  const [grad] = kernel.grads
  const check = loss.driver.plain?.(loss, wanted)
  const fits = kernel.grads.length === 1 && grad?.input === 0 && outer === undefined && servesByDefault
  if (check === undefined || !fits) return long
  const { name } = grad
  const empty: Record<string, unknown> = { [name]: undefined }
  return (first, second, options) => {
    // First what may run code of the caller's: after the check there must be none.
    const buffer = options === undefined ? undefined : onlyBuffer(options, name)
    if (buffer === null) return long(first, second, options)
    const length = buffer?.length
    const plain = check(first, second)
    if (plain === undefined) return long(first, second, options)
    const array = plain.take()
    const kind = kindOf(array) as string
    if (buffer !== undefined && (kindOf(buffer) !== kind || length !== plain.length)) {
      return long(first, second, options)
    }
    const gradient = buffer ?? createArray(kind, plain.length)
    const value = runPlain(loss, plain, array, second as BindingArray, gradient)
    const gradients = { ...empty }
    gradients[name] = gradient
    return wanted.value ? { value, grad: gradients } : gradients
  }
}

/** The buffer in `{ out: { [name]: buffer } }`, null for anything else. */
function onlyBuffer(options: unknown, name: string): BindingArray | null {
  if (!isLiteralOf(options, 'out', 'out')) return null
  const { out } = options
  if (!isLiteralOf(out, name, name)) return null
  const buffer = out[name]
  return buffer === undefined ? null : (buffer as BindingArray)
}
