import { traffic } from './cases.mjs'
import { generator } from './random.mjs'
import { likewise, store } from './storage.mjs'

/**
 * Sets of random data that a case turns through, kept for the next case while it takes the same.
 *
 * @typedef {import('./cases.mjs').DataSet} DataSet
 * @typedef {import('./losses/loss.mjs').Loss} Loss
 * @typedef {import('./losses/loss.mjs').Size} Size
 */

/** @param {Loss} loss @param {Size} size @param {import('./storage.mjs').Dtype} dtype @returns {DataSet} */
export function drawSet(loss, size, dtype, random = generator()) {
  const inputs = Object.fromEntries(
    Object.entries(loss.draw(size, random)).map(([name, numbers]) => [
      name,
      numbers instanceof Float32Array ? store(numbers, dtype) : numbers,
    ]),
  )
  const grads = Object.fromEntries(loss.grads.map(name => [name, likewise(inputs[name])]))
  return { inputs, grads }
}

/**
 * How many sets. Where one is larger than the last cache, together at least four times that cache, so that nothing survives
 * from turn to turn; otherwise few enough to stay inside half of it.
 *
 * @param {DataSet} set
 * @param {number} lastCache bytes
 */
function turns(set, lastCache) {
  const footprint = traffic(set, true)
  if (traffic(set, false) > 0.9 * lastCache) return Math.max(2, Math.ceil((4 * lastCache) / footprint))
  return Math.max(1, Math.min(4, Math.floor(lastCache / 2 / footprint)))
}

/** @param {number} lastCache bytes */
export function dataStore(lastCache) {
  /** @type {{ key?: unknown[], sets: DataSet[] }} */
  let current = { sets: [] }
  return {
    /** @param {Loss} loss @param {Size} size @param {import('./storage.mjs').Dtype} dtype @returns {DataSet[]} */
    setsFor(loss, size, dtype) {
      const key = [loss.draw, size.label, dtype]
      if (!current.key?.every((part, i) => part === key[i])) {
        current = { sets: [] } // before the next are made: two large ones may not fit
        const first = drawSet(loss, size, dtype)
        const rest = Array.from({ length: turns(first, lastCache) - 1 }, () => drawSet(loss, size, dtype))
        current = { key, sets: [first, ...rest] }
      }
      return current.sets
    },
    /** The data is no longer what it was: a gradient went over it. */
    forget() {
      current = { sets: [] }
    },
  }
}
