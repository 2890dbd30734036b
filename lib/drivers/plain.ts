import type { BindingArray } from '../../binding.js'
import { slots } from '../backend/binding.ts'
import type { Definition } from '../definition.ts'
import type { Wanted } from '../outputs.ts'
import { type Dtype, float32, float64 } from '../tensor/dtype.ts'

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

/** The frames of a loss by the type of its first input, made when they are first called for. */
export class Plains {
  private of32: Plain | undefined
  private of64: Plain | undefined
  private readonly make: (first: Dtype) => Plain

  /** `rest` writes what else is the same in all calls. */
  constructor(loss: Definition, wanted: Wanted, rest: (numbers: number[], first: Dtype) => void) {
    this.make = first => {
      const plain = new Plain(loss, first, wanted)
      rest(plain.numbers, first)
      return plain
    }
  }

  /** Undefined where the first input is of no such type. */
  of(kind: string | undefined): Plain | undefined {
    if (kind === 'Float32Array') {
      this.of32 ??= this.make(float32)
      return this.of32
    }
    if (kind === 'Float64Array') {
      this.of64 ??= this.make(float64)
      return this.of64
    }
    return undefined
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
