/** Everything that a call gives, as bits. */

import type { BindingArray } from '../../binding.js'
import type { Random } from '../support/random.ts'
import { arrayOf, binding, type Call, dtypeOf, type Input, type Outcome, run } from '../support/raw.ts'
import { computeTypeOf, type Storage } from './inputs.ts'

export interface Results {
  readonly sum: Outcome
  readonly mean: Outcome
  readonly values: BindingArray
  /** Of the sum. */
  readonly grad: BindingArray
  /** Of the mean; not given by chunks, which do not know the divisor. */
  readonly meanGrad?: BindingArray
  readonly state: Uint8Array
  readonly count: number
}

const newArray = (storage: Storage, length: number): BindingArray =>
  storage === 'float64'
    ? new Float64Array(length)
    : storage === 'float32'
      ? new Float32Array(length)
      : new Uint16Array(length)

const lengthOf = (call: Call): number => arrayOf(call.pred).length
const storageOf = (call: Call): Storage => dtypeOf(call.pred) as Storage

function newState(call: Call): Uint8Array {
  const type = computeTypeOf(storageOf(call))
  const state = new Uint8Array(binding.stateBytes(type))
  binding.initState(state, type)
  return state
}

/** In one call each for the sum and for the mean. */
export function whole(call: Call): Results {
  const storage = storageOf(call)
  const values = newArray(computeTypeOf(storage), call.rows)
  const grad = newArray(storage, lengthOf(call))
  const meanGrad = newArray(storage, lengthOf(call))
  const state = newState(call)
  const sum = run({ ...call, reduction: 'sum', values, grad: { data: grad, dtype: storage }, state })
  const mean = run({ ...call, reduction: 'mean', grad: { data: meanGrad, dtype: storage } })
  return { sum, mean, values, grad, meanGrad, state, count: binding.countState(state) }
}

const slice = (input: Input, from: number, to: number): Input =>
  'dtype' in input
    ? { data: input.data.subarray(from, to) as BindingArray, dtype: input.dtype }
    : (input.subarray(from, to) as BindingArray)

/** Cut at random places, a state for every piece, and these merged in random order. */
export function scattered(call: Call, random: Random, pieces: number): Results {
  const storage = storageOf(call)
  const width = lengthOf(call) / Math.max(call.rows, 1)
  const targetWidth = arrayOf(call.target).length / Math.max(call.rows, 1)
  const values = newArray(computeTypeOf(storage), call.rows)
  const grad = newArray(storage, lengthOf(call))
  const states = random.cut(call.rows, pieces).map(([from, to]) => {
    const piece = (input: Input | undefined, each: number) => input && slice(input, from * each, to * each)
    const state = newState(call)
    const perElement = call.classes === 0
    run({
      ...call,
      reduction: 'sum',
      rows: to - from,
      pred: slice(call.pred, from * width, to * width),
      target: slice(call.target, from * targetWidth, to * targetWidth),
      weight: perElement ? piece(call.weight, 1) : call.weight,
      extra: perElement ? piece(call.extra, 1) : call.extra,
      values: values.subarray(from, to) as BindingArray,
      grad: { data: grad.subarray(from * width, to * width) as BindingArray, dtype: storage },
      state,
    })
    return state
  })
  const [state, ...others] = random.shuffle(states)
  if (state === undefined) throw new Error('no pieces')
  for (const other of others) binding.mergeState(state, other)
  const ok = { status: 'ok', faultIndex: 0, faultValue: 0 } as const
  return {
    sum: { value: binding.valueState(state, 1, Number.NaN), ...ok },
    mean: { value: binding.valueState(state, 2, Number.NaN), ...ok },
    values,
    grad,
    state,
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

/** What differs between two results of one call, in words; undefined if nothing does. */
export function difference(a: Results, b: Results, storage: Storage): string | undefined {
  const compute = computeTypeOf(storage)
  for (const what of ['sum', 'mean'] as const) {
    for (const field of ['value', 'status'] as const) {
      if (!Object.is(a[what][field], b[what][field]))
        return `${what}.${field}: ${a[what][field]} and ${b[what][field]}`
    }
  }
  for (const [what, dtype] of [
    ['values', compute],
    ['grad', storage],
    ['meanGrad', storage],
    ['state', 'uint8'],
  ] as const) {
    const [left, right] = [a[what], b[what]]
    if (left === undefined || right === undefined) continue
    const i = firstDifference(left, right, dtype)
    if (i >= 0) return `${what}[${i}]: ${left[i]} and ${right[i]}`
  }
  return a.count === b.count ? undefined : `count: ${a.count} and ${b.count}`
}

/** The bytes of an array with one NaN for all: its sign and payload are the processor's choice. */
export function canonicalBytes(array: BindingArray, dtype: string): Uint8Array {
  const copy = array.slice()
  const nan = dtype === 'float16' ? 0x7e00 : dtype === 'bfloat16' ? 0x7fc0 : Number.NaN
  if (dtype.includes('float')) {
    for (let i = 0; i < copy.length; i++) if (isNaNAt(copy, dtype, i)) copy[i] = nan
  }
  return bytesOf(copy)
}
