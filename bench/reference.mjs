import { widen } from './storage.mjs'

/**
 * The truth that every contender is held against before it is timed: the textbook's formulas in float64, on exactly the
 * numbers that are stored.
 *
 * @typedef {import('./cases.mjs').Case} Case
 * @typedef {{ value: number, grads: Record<string, Float64Array> }} Truth
 */

/** @param {Case} item @returns {Truth} of its first set */
export function truthOf({ loss, dtype, size, scale, wantsGrad, sets: [{ inputs, grads }] }) {
  const data = Object.fromEntries(
    Object.entries(inputs).map(([name, array]) => [
      name,
      array instanceof Int32Array ? array : widen(array, dtype),
    ]),
  )
  const found = Object.fromEntries(
    Object.entries(wantsGrad ? grads : {}).map(([name, { length }]) => [name, new Float64Array(length)]),
  )
  return { value: loss.textbook(data, wantsGrad ? found : undefined, size, scale), grads: found }
}

/**
 * How far off a result may be: values relative to the truth, gradients to their largest entry. Peers that add up in float32
 * must still fit, and results in half precision.
 */
const tolerances = { float64: 1e-9, float32: 1e-5, float16: 2 ** -9, bfloat16: 2 ** -6 }

/**
 * @param {Case} item
 * @param {Truth} truth
 * @param {{ value: number, grads?: Record<string, import('./storage.mjs').FloatData> }} found
 * @returns {{ valueError: number, gradError?: number, wrong?: string }}
 */
export function compare({ loss, dtype, wantsGrad }, truth, found) {
  const tolerance = Math.max(tolerances[dtype], dtype === 'float64' ? 0 : (loss.tolerance ?? 0))
  const valueError = Math.abs(found.value - truth.value) / Math.abs(truth.value)
  if (!(valueError <= tolerance))
    return { valueError, wrong: `value ${found.value}, expected ${truth.value}` }
  if (!wantsGrad) return { valueError }

  let gradError = 0
  for (const [name, expected] of Object.entries(truth.grads)) {
    const grad = found.grads?.[name]
    if (grad?.length !== expected.length)
      return { valueError, wrong: `gradient of ${grad?.length} elements, expected ${expected.length}` }
    gradError = Math.max(gradError, distance(widen(grad, dtype), expected))
    if (!(gradError <= tolerance))
      return { valueError, gradError, wrong: `gradient off by ${gradError} of its largest entry` }
  }
  return { valueError, gradError }
}

/** @param {Float32Array | Float64Array} found @param {Float64Array} expected */
function distance(found, expected) {
  let largest = 0
  let error = 0
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]))
    const off = Math.abs(found[i] - expected[i])
    if (Number.isNaN(off)) return Number.NaN
    if (off > error) error = off
  }
  return error / largest
}
