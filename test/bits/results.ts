/** Everything that a call gives, as bits. */

import type { BindingArray } from '../../binding.js'
import type { Random } from '../support/random.ts'
import {
  arrayOf,
  binding,
  type Call,
  dtypeOf,
  type Input,
  kernelNamed,
  type Outcome,
  run,
} from '../support/raw.ts'
import { batchesOf } from './drivers.ts'
import { newGrads } from './inputs.ts'
import { computeTypeOf, newArray, type Storage } from './numbers.ts'

export interface Results {
  readonly sum: Outcome
  readonly mean: Outcome
  readonly values: BindingArray
  /** Of the sum. */
  readonly grads: readonly BindingArray[]
  /** Of the mean; not given by pieces, which do not know the divisor. */
  readonly meanGrads?: readonly BindingArray[]
  /** Of the sum and of the mean, whose values may differ. */
  readonly state: Uint8Array
  readonly meanState: Uint8Array
  readonly count: number
}

const storageOf = (call: Call): Storage => dtypeOf(call.inputs[0] as Input) as Storage
const dataOf = (grads: readonly { data: BindingArray }[]) => grads.map(({ data }) => data)

function newState(call: Call): Uint8Array {
  const type = computeTypeOf(storageOf(call))
  const state = new Uint8Array(binding.stateBytes(type))
  binding.initState(state, type)
  return state
}

/** In one call each for the sum and for the mean. */
export function whole(call: Call): Results {
  const kernel = kernelNamed(call.kernel)
  const storage = storageOf(call)
  const values = newArray(computeTypeOf(storage), call.rows)
  const grads = newGrads(kernel, storage, call)
  const meanGrads = newGrads(kernel, storage, call)
  const state = newState(call)
  const meanState = newState(call)
  const sum = run({ ...call, reduction: 'sum', values, grads, state })
  const mean = run({ ...call, reduction: 'mean', grads: meanGrads, state: meanState })
  return {
    sum,
    mean,
    values,
    grads: dataOf(grads),
    meanGrads: dataOf(meanGrads),
    state,
    meanState,
    count: binding.countState(state),
  }
}

/** Where the rows [from, to) lie in an array that goes through all rows so many times: a list of ranges. */
function ranges(length: number, rows: number, passes: number, from: number, to: number) {
  const pass = length / passes
  const each = pass / rows
  return Array.from({ length: passes }, (_, i) => [i * pass + from * each, i * pass + to * each] as const)
}

/** These ranges of an array: in place if there is one, copied together if they are many. */
function gather(array: BindingArray, parts: ReturnType<typeof ranges>): BindingArray {
  const pieces = parts.map(([from, to]) => array.subarray(from, to) as BindingArray)
  if (pieces.length === 1) return pieces[0] as BindingArray
  const total = pieces.reduce((length, piece) => length + piece.length, 0)
  const all = new (array.constructor as new (length: number) => BindingArray)(total)
  let at = 0
  for (const piece of pieces) {
    all.set(piece as never, at)
    at += piece.length
  }
  return all
}

/** The inverse: where `gather` copied, what was written is copied back. */
function scatter(gathered: BindingArray, array: BindingArray, parts: ReturnType<typeof ranges>): void {
  if (parts.length === 1) return
  let at = 0
  for (const [from, to] of parts) {
    array.set(gathered.subarray(at, at + to - from) as never, from)
    at += to - from
  }
}

/**
 * Cut at random places, a state for every piece, and these merged in random order. The mean is computed without
 * gradients, so the walk that gives values alone is compared with the one that gives both.
 */
export function scattered(call: Call, random: Random, pieces: number): Results {
  const kernel = kernelNamed(call.kernel)
  const { weighs, together, passes } = batchesOf(kernel.driver)
  const storage = storageOf(call)
  const values = newArray(computeTypeOf(storage), call.rows)
  const grads = dataOf(newGrads(kernel, storage, call))
  const unit = together?.(call) ?? 1
  const states = random.cut(call.rows / unit, pieces).map(([first, last]) => {
    const [from, to] = [first * unit, last * unit]
    const rangesOf = (input: number, length: number) =>
      ranges(length, call.rows, passes?.(input, call) ?? 1, from, to)
    const inputs = call.inputs.map((input, i) => {
      const data = arrayOf(input)
      return { data: gather(data, rangesOf(i, data.length)), dtype: dtypeOf(input) }
    })
    const weight =
      call.weight && weighs === 'rows'
        ? { data: arrayOf(call.weight).subarray(from, to) as BindingArray, dtype: dtypeOf(call.weight) }
        : call.weight
    const piece = { ...call, rows: to - from, inputs, weight }
    const gradRanges = grads.map((grad, i) => rangesOf(kernel.grads[i] as number, grad.length))
    const pieceGrads = grads.map((grad, i) => gather(grad, gradRanges[i] as ReturnType<typeof ranges>))
    const state = newState(call)
    const meanState = newState(call)
    run({
      ...piece,
      reduction: 'sum',
      values: values.subarray(from, to) as BindingArray,
      grads: pieceGrads.map(data => ({ data, dtype: storage })),
      state,
    })
    run({ ...piece, reduction: 'mean', state: meanState })
    grads.forEach((grad, i) => {
      scatter(pieceGrads[i] as BindingArray, grad, gradRanges[i] as ReturnType<typeof ranges>)
    })
    return { state, meanState }
  })
  const [first, ...others] = random.shuffle(states)
  if (first === undefined) throw new Error('no pieces')
  const { state, meanState } = first
  for (const other of others) {
    binding.mergeState(state, other.state)
    binding.mergeState(meanState, other.meanState)
  }
  const ok = { status: 'ok', faultInput: 0, faultIndex: 0, faultValue: 0 } as const
  return {
    sum: { value: binding.valueState(state, 1, Number.NaN), ...ok },
    mean: { value: binding.valueState(meanState, 2, Number.NaN), ...ok },
    values,
    grads,
    state,
    meanState,
    count: binding.countState(state),
  }
}

const bytesOf = (array: BindingArray): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength)

function isNaNAt(array: BindingArray, dtype: string, i: number): boolean {
  if (dtype === 'float16') return ((array[i] as number) & 0x7fff) > 0x7c00
  if (dtype === 'bfloat16') return ((array[i] as number) & 0x7fff) > 0x7f80
  return Number.isNaN(array[i])
}

/** Index of the first place where the bits differ, other than NaN against NaN; -1 if there is none. */
export function firstDifference(a: BindingArray, b: BindingArray, dtype: string): number {
  if (a.length !== b.length) return Math.min(a.length, b.length)
  if (Buffer.compare(bytesOf(a), bytesOf(b)) === 0) return -1
  for (let i = 0; i < a.length; i++) {
    if (!Object.is(a[i], b[i]) && !(isNaNAt(a, dtype, i) && isNaNAt(b, dtype, i))) return i
  }
  return -1
}

/** All arrays of a result, with what they are called and what they hold. */
function arraysOf(results: Results, storage: Storage): [string, BindingArray, string][] {
  const { values, grads, state, meanState } = results
  return [
    ['values', values, computeTypeOf(storage)],
    ...grads.map((grad, i) => [`grads[${i}]`, grad, storage] as [string, BindingArray, string]),
    ['state', state, 'uint8'],
    ['meanState', meanState, 'uint8'],
  ]
}

function differenceOfArrays(
  what: string,
  a: BindingArray,
  b: BindingArray | undefined,
  dtype: string,
): string | undefined {
  if (b === undefined) return `${what} is missing`
  const i = firstDifference(a, b, dtype)
  return i < 0 ? undefined : `${what}[${i}]: ${a[i]} and ${b[i]}`
}

/** What differs between two results of one call, in words; undefined if nothing does. */
export function difference(a: Results, b: Results, storage: Storage): string | undefined {
  for (const what of ['sum', 'mean'] as const) {
    for (const field of ['value', 'status'] as const) {
      if (!Object.is(a[what][field], b[what][field]))
        return `${what}.${field}: ${a[what][field]} and ${b[what][field]}`
    }
  }
  const others = arraysOf(b, storage)
  for (const [i, [what, array, dtype]] of arraysOf(a, storage).entries()) {
    const found = differenceOfArrays(what, array, others[i]?.[1], dtype)
    if (found !== undefined) return found
  }
  const { meanGrads } = b
  if (meanGrads !== undefined) {
    for (const [i, grad] of (a.meanGrads ?? []).entries()) {
      const found = differenceOfArrays(`meanGrads[${i}]`, grad, meanGrads[i], storage)
      if (found !== undefined) return found
    }
  }
  return a.count === b.count ? undefined : `count: ${a.count} and ${b.count}`
}

/** The bytes of an array with one NaN for all: its sign and payload are the processor's choice. */
function canonicalBytes(array: BindingArray, dtype: string): Uint8Array {
  const copy = array.slice()
  const nan = dtype === 'float16' ? 0x7e00 : dtype === 'bfloat16' ? 0x7fc0 : Number.NaN
  if (dtype.includes('float')) {
    for (let i = 0; i < copy.length; i++) if (isNaNAt(copy, dtype, i)) copy[i] = nan
  }
  return bytesOf(copy)
}

/** All bits of a result, the same on every machine. */
export function* canonical(results: Results, storage: Storage): Generator<Uint8Array> {
  const { sum, mean, count, meanGrads = [] } = results
  yield canonicalBytes(Float64Array.of(sum.value, mean.value, count), 'float64')
  for (const [, array, dtype] of arraysOf(results, storage)) yield canonicalBytes(array, dtype)
  for (const grad of meanGrads) yield canonicalBytes(grad, storage)
}
