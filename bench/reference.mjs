/**
 * The truth that every contender is held against before it is timed: the formulas in float64, straight from the book.
 *
 * @typedef {{ value: number, grad: Float64Array }} Truth
 */

/**
 * @param {(pred: number, target: number) => readonly [value: number, slope: number]} formula
 * @returns {(pred: Float32Array, target: Float32Array) => Truth} of the mean
 */
const elements = formula => (pred, target) => {
  const grad = new Float64Array(pred.length)
  let sum = 0
  for (let i = 0; i < pred.length; i++) {
    const [value, slope] = formula(pred[i], target[i])
    sum += value
    grad[i] = slope / pred.length
  }
  return { value: sum / pred.length, grad }
}

/** @type {(logits: Float32Array, labels: Int32Array) => Truth} */
function crossEntropy(logits, labels) {
  const rows = labels.length
  const classes = logits.length / rows
  const grad = new Float64Array(logits.length)
  let sum = 0
  for (let row = 0; row < rows; row++) {
    const at = row * classes
    let max = -Infinity
    for (let c = 0; c < classes; c++) max = Math.max(max, logits[at + c])
    let total = 0
    for (let c = 0; c < classes; c++) total += Math.exp(logits[at + c] - max)
    for (let c = 0; c < classes; c++) grad[at + c] = Math.exp(logits[at + c] - max) / total / rows
    grad[at + labels[row]] -= 1 / rows
    sum += max + Math.log(total) - logits[at + labels[row]]
  }
  return { value: sum / rows, grad }
}

export const reference = {
  mse: elements((pred, target) => [(pred - target) ** 2, 2 * (pred - target)]),
  bceWithLogits: elements((x, t) => [
    Math.max(x, 0) - x * t + Math.log1p(Math.exp(-Math.abs(x))),
    1 / (1 + Math.exp(-x)) - t,
  ]),
  crossEntropy,
}

/** Relative to the value. Peers that add up in float32 must still fit. */
const valueTolerance = 1e-5
/** Relative to the largest entry of the gradient. */
const gradTolerance = 1e-5

/**
 * @param {Truth} truth
 * @param {{ value: number, grad?: Float32Array }} found
 * @param {boolean} wantsGrad
 * @returns {{ valueError: number, gradError?: number, wrong?: string }}
 */
export function compare(truth, found, wantsGrad) {
  const valueError = Math.abs(found.value - truth.value) / Math.abs(truth.value)
  if (!(valueError <= valueTolerance))
    return { valueError, wrong: `value ${found.value}, expected ${truth.value}` }
  if (!wantsGrad) return { valueError }
  if (found.grad?.length !== truth.grad.length)
    return { valueError, wrong: `gradient of ${found.grad?.length} elements, expected ${truth.grad.length}` }

  let largest = 0
  let gradError = 0
  for (let i = 0; i < truth.grad.length; i++) {
    largest = Math.max(largest, Math.abs(truth.grad[i]))
    const error = Math.abs(found.grad[i] - truth.grad[i])
    if (!(error <= gradError)) gradError = error
    if (Number.isNaN(error)) break
  }
  gradError /= largest
  if (!(gradError <= gradTolerance))
    return { valueError, gradError, wrong: `gradient off by ${gradError} of its largest entry` }
  return { valueError, gradError }
}
