/** Small helpers for the programs of this folder, which run in processes and workers of their own. */

import { createRequire } from 'node:module'

export const load = file => createRequire(import.meta.url)(file)

/** A repeatable generator of integers (xorshift, 32 bits). */
export function generator(seed) {
  let x = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) | 1
  const bits = () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return x >>> 0
  }
  const below = n => bits() % n
  const pick = list => list[below(list.length)]
  for (let i = 0; i < 8; i++) bits()
  return { bits, below, pick }
}

/** Writes a plain mse call into the frame: float32, the sum. */
export function describeMse(binding, length) {
  const { frame, slots, kernels, dtypes } = binding
  frame[slots.kernel] = kernels.findIndex(({ name }) => name === 'mse')
  frame[slots.reduction] = 1
  frame[slots.upstream] = 1
  frame[slots.divisor] = Number.NaN
  frame[slots.rows] = length
  frame[slots.classes] = 0
  frame[slots.ignoreIndex] = Number.NaN
  frame[slots.labelSmoothing] = 0
  for (let i = 0; i < 7; i++) frame[slots.dtypes + i] = -1
  frame[slots.dtypes] = frame[slots.dtypes + 1] = dtypes.indexOf('float32')
  return grad => {
    frame[slots.dtypes + 6] = grad === undefined ? -1 : dtypes.indexOf('float32')
  }
}

/** The sum of squares of 0, 1, 2, 3, 0, 1, …; the truth is a whole number. */
export function batch(length) {
  const pred = Float32Array.from({ length }, (_, i) => i & 3)
  const target = new Float32Array(length)
  let sum = 0
  for (let i = 0; i < length; i++) sum += (i & 3) ** 2
  return { pred, target, sum }
}

export function run(binding, { pred, target }, grad) {
  describeMse(binding, pred.length)(grad)
  return binding.run(pred, target, undefined, undefined, undefined, undefined, grad, undefined)
}

/** Resolves to the value. */
export async function runAsync(binding, { pred, target }, grad, cancel) {
  describeMse(binding, pred.length)(grad)
  const result = await binding.runAsync(
    pred,
    target,
    undefined,
    undefined,
    undefined,
    undefined,
    grad,
    undefined,
    cancel,
  )
  return result[1]
}

export function check(condition, message) {
  if (!condition) throw new Error(message)
}
