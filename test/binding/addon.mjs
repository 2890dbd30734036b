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

/** Inputs, weight, upstream, values, gradients. */
export const INPUTS = 4
export const GRADS = 3
export const ARRAYS = INPUTS + 3 + GRADS

/** Writes a plain mse call into the frame, float32, the sum; gives its arrays in the order of the addon. */
function describeMse(binding, { pred, target }, grad) {
  const { frame, slots, kernels, dtypes } = binding
  const arrays = new Array(ARRAYS).fill(undefined)
  arrays[0] = pred
  arrays[1] = target
  arrays[INPUTS + 3] = grad
  frame[slots.kernel] = kernels.findIndex(({ name }) => name === 'mse')
  frame[slots.reduction] = 1
  frame[slots.upstream] = 1
  frame[slots.divisor] = Number.NaN
  frame[slots.rows] = pred.length
  for (const size of ['columns', 'inner', 'others']) frame[slots[size]] = 0
  frame[slots.ignoreIndex] = Number.NaN
  frame[slots.labelSmoothing] = 0
  frame[slots.wantsValue] = 1
  frame[slots.inPlace] = 1
  arrays.forEach((array, i) => {
    frame[slots.dtypes + i] = array === undefined ? -1 : dtypes.indexOf('float32')
  })
  return arrays
}

/** The sum of squares of 0, 1, 2, 3, 0, 1, …; the truth is a whole number. */
export function batch(length) {
  const pred = Float32Array.from({ length }, (_, i) => i & 3)
  const target = new Float32Array(length)
  let sum = 0
  for (let i = 0; i < length; i++) sum += (i & 3) ** 2
  return { pred, target, sum }
}

export function run(binding, inputs, grad) {
  binding.run(...describeMse(binding, inputs, grad))
  return binding.frame[binding.slots.value]
}

/** Resolves to `[status, value, …]`. */
export const runRawAsync = (binding, inputs, grad, cancel) =>
  binding.runAsync(...describeMse(binding, inputs, grad), undefined, cancel)

/** Resolves to the value. */
export const runAsync = async (binding, inputs, grad) => (await runRawAsync(binding, inputs, grad))[1]

export function check(condition, message) {
  if (!condition) throw new Error(message)
}
