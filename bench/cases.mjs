import { generator } from './random.mjs'

/**
 * What is measured: losses, sizes, and for each the value alone and the value with its gradient.
 *
 * @typedef {'mse' | 'bceWithLogits' | 'crossEntropy'} LossName
 * @typedef {{ pred: Float32Array, target: Float32Array | Int32Array, grad: Float32Array }} DataSet
 *   `grad` is where the gradient is written; all contenders share it
 * @typedef {object} Size
 * @property {string} label
 * @property {LossName[]} losses
 * @property {number} elements of the predictions or logits
 * @property {number} rows 0 for losses of elements
 * @property {number} classes 0 for losses of elements
 *
 * @typedef {object} Case
 * @property {string} name
 * @property {LossName} loss
 * @property {boolean} wantsGrad
 * @property {Size} size
 * @property {DataSet[]} sets
 * @property {number} bytes necessary traffic: every input read once, every gradient written once
 */

/** @type {(elements: number, label: string) => Size} */
const elements = (count, label) => ({
  label,
  losses: ['mse', 'bceWithLogits'],
  elements: count,
  rows: 0,
  classes: 0,
})

/** @type {(rows: number, classes: number) => Size} */
const rows = (count, classes) => ({
  label: `${count}×${classes}`,
  losses: ['crossEntropy'],
  elements: count * classes,
  rows: count,
  classes,
})

export const sizes = [
  elements(2 ** 12, '2^12'),
  elements(2 ** 20, '2^20'),
  elements(2 ** 25, '2^25'),
  rows(4096, 10),
  rows(1024, 1000),
  rows(256, 32000),
  rows(128, 128256),
]

/** @param {Size} size @param {boolean} wantsGrad */
export function traffic({ elements, rows }, wantsGrad) {
  const inputs = rows ? 4 * (elements + rows) : 8 * elements
  return inputs + (wantsGrad ? 4 * elements : 0)
}

/**
 * How many sets of data a case turns through. Where one set is larger than the last cache, together at least four times
 * that cache, so that nothing survives from turn to turn; otherwise few enough to stay inside half of it.
 *
 * @param {Size} size
 * @param {number} lastCache bytes
 */
function turns(size, lastCache) {
  const footprint = traffic(size, true)
  if (traffic(size, false) > 0.9 * lastCache) return Math.max(2, Math.ceil((4 * lastCache) / footprint))
  return Math.max(1, Math.min(4, Math.floor(lastCache / 2 / footprint)))
}

/**
 * Random data for a size. Targets lie in [0, 1), which both losses of elements take.
 *
 * @param {Size} size
 * @param {number} lastCache bytes
 * @returns {DataSet[]}
 */
export function makeSets(size, lastCache) {
  const random = generator()
  return Array.from({ length: turns(size, lastCache) }, () => ({
    pred: random.floats(size.elements, -5, 5),
    target: size.rows ? random.labels(size.rows, size.classes) : random.floats(size.elements, 0, 1),
    grad: new Float32Array(size.elements).fill(0),
  }))
}

/** @param {Size} size @param {LossName} loss @param {boolean} wantsGrad @param {DataSet[]} sets @returns {Case} */
export const makeCase = (size, loss, wantsGrad, sets) => ({
  name: `${loss} ${size.label} ${wantsGrad ? 'value+grad' : 'value'}`,
  loss,
  wantsGrad,
  size,
  sets,
  bytes: traffic(size, wantsGrad),
})

/** Calls on so little that the call is all that costs. @type {Size[]} */
export const smallSizes = [
  { ...elements(16, '16'), label: '16 elements' },
  { ...rows(1, 16), label: '1×16' },
]

/**
 * Elements as rows, for libraries whose float32 means need two steps to be right.
 *
 * @param {number} elements
 * @returns {[number, number]}
 */
export function foldedShape(elements) {
  const columns = Math.min(elements, Math.max(64, elements / 2 ** 14))
  return [elements / columns, columns]
}
