import { generator } from '../random.mjs'
import { store } from '../storage.mjs'

/**
 * Numbers for a case, in the memory of the host: random ones, repeated where there are very many.
 *
 * @typedef {import('./cases.mjs').Case} Case
 * @typedef {{ data: Float32Array | Uint16Array | Int32Array, shape: number[], dtype?: 'bfloat16' }} HostTensor
 */

const distinct = 2 ** 22

/** @template {Float32Array | Uint16Array} T @param {T} some @param {number} length @returns {T} */
function repeated(some, length) {
  const all = new some.constructor(length)
  all.set(some)
  for (let filled = some.length; filled < length; filled *= 2)
    all.copyWithin(filled, 0, Math.min(filled, length - filled))
  return all
}

/** The inputs of a set, in order. @param {Case} item @returns {HostTensor[]} */
export function makeSet({ loss, dtype, rows, columns, classes }) {
  const random = generator()
  /** @param {number} low @param {number} high @returns {HostTensor} */
  const floats = (low, high, count = rows) => {
    const length = count * columns
    const shape = count === 1 ? [length] : [count, columns]
    const some = store(random.floats(Math.min(length, distinct), low, high), dtype)
    const data = repeated(some, length)
    return dtype === 'bfloat16' ? { data, shape, dtype } : { data, shape }
  }
  switch (loss) {
    case 'crossEntropy':
      return [floats(-8, 8), { data: random.integers(rows, 0, columns), shape: [rows] }]
    case 'linearCrossEntropy': // logits of a few units
      return [
        floats(-1, 1),
        floats(-0.1, 0.1, classes),
        { data: random.integers(rows, 0, classes), shape: [rows] },
      ]
    case 'klDiv': // logarithms of probabilities, and probabilities
      return [floats(-12, -1), floats(0, 0.01)]
    case 'bceWithLogits':
    case 'sigmoidFocal':
      return [floats(-8, 8), floats(0, 1)]
    default:
      return [floats(-2, 2), floats(-2, 2)]
  }
}
