import type { BindingArray } from '../../binding.js'
import { slots } from '../backend/binding.ts'
import type { Definition } from '../definition.ts'
import type { Wanted } from '../outputs.ts'
import type { Dtype } from '../tensor/dtype.ts'

/** The frame of a call of two arrays without options, kept from call to call. */
export class Plain {
  readonly numbers: number[]
  /** The elements of the first input, until they are taken. */
  first: BindingArray | undefined
  length = 0
  /** What the frame's count of posts was when these numbers were the last. */
  posted = -1

  /** `first` is the type of the first input, and so of its gradient where there is one. */
  constructor(loss: Definition, first: Dtype, wanted: Wanted) {
    this.numbers = loss.defaults.slice()
    this.numbers[slots.wantsValue] = Number(wanted.value)
    this.numbers[slots.dtypes] = first.code
    if (wanted.grad) this.numbers[slots.dtypes + 7] = first.code
  }

  /** Takes the elements of the first input, so that they are not kept alive. */
  take(): BindingArray {
    const first = this.first as BindingArray
    this.first = undefined
    return first
  }
}

/** Whether a value is an object literal of no properties but these two. */
export function isLiteralOf<A extends string, B extends string>(
  value: unknown,
  a: A,
  b: B,
): value is Readonly<Record<A | B, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  if (Object.getPrototypeOf(value) !== Object.prototype) return false
  for (const key in value) if (key !== a && key !== b) return false
  return true
}

/**
 * The frame of a call without options where both inputs are typed arrays that fit, undefined where they need a closer look.
 * Nothing is allocated: it is the same object each time, to be used at once. Calls of one loss and type of scores differ in
 * sizes and in the type of the second input only.
 */
export type PlainCheck = (first: unknown, second: unknown) => Plain | undefined
