import { sizeOf } from './loss.mjs'

/** InfoNCE, the loss of all pairs of rows: two or six times N²D multiplications and as many additions, on 2ND numbers. */

/** @type {import('./loss.mjs').Loss['textbook']} */
function infoNce({ query, key }, grads, { shape: [rows, columns] }, scale) {
  const temperature = 0.07
  const normalise = vectors => {
    const norms = new Float64Array(rows)
    const units = Float64Array.from(vectors)
    for (let row = 0; row < rows; row++) {
      let square = 0
      for (let i = row * columns; i < (row + 1) * columns; i++) square += units[i] * units[i]
      norms[row] = Math.max(Math.sqrt(square), 1e-8)
      for (let i = row * columns; i < (row + 1) * columns; i++) units[i] /= norms[row]
    }
    return { norms, units }
  }
  const q = normalise(query)
  const k = normalise(key)
  const toQuery = new Float64Array(query.length)
  const toKey = new Float64Array(key.length)
  const scores = new Float64Array(rows)
  let sum = 0
  for (let row = 0; row < rows; row++) {
    let max = -Infinity
    for (let other = 0; other < rows; other++) {
      let dot = 0
      for (let i = 0; i < columns; i++) dot += q.units[row * columns + i] * k.units[other * columns + i]
      scores[other] = dot / temperature
      max = Math.max(max, scores[other])
    }
    let total = 0
    for (let other = 0; other < rows; other++) total += Math.exp(scores[other] - max)
    sum += max + Math.log(total) - scores[row]
    if (!grads) continue
    for (let other = 0; other < rows; other++) {
      const slope = (scale / temperature) * (Math.exp(scores[other] - max) / total - (other === row ? 1 : 0))
      for (let i = 0; i < columns; i++) {
        toQuery[row * columns + i] += slope * k.units[other * columns + i]
        toKey[other * columns + i] += slope * q.units[row * columns + i]
      }
    }
  }
  const through = ({ norms, units }, slopes, grad) => {
    for (let row = 0; row < rows; row++) {
      let along = 0
      for (let i = row * columns; i < (row + 1) * columns; i++) along += units[i] * slopes[i]
      for (let i = row * columns; i < (row + 1) * columns; i++)
        grad[i] = (slopes[i] - units[i] * along) / norms[row]
    }
  }
  if (grads) {
    through(q, toQuery, grads.query)
    through(k, toKey, grads.key)
  }
  return scale * sum
}

/** @type {import('./loss.mjs').Loss[]} */
export const allPairs = [
  {
    name: 'infoNce',
    driver: 'allPairs',
    grads: ['query', 'key'],
    draw: ({ elements }, random) => ({
      query: random.floats(elements, -1, 1),
      key: random.floats(elements, -1, 1),
    }),
    shapes: ({ shape }) => ({ query: shape, key: shape }),
    samples: ({ shape }) => shape[0],
    textbook: infoNce,
    tolerance: 1e-4,
    checkSize: sizeOf([96, 64]),
    flop: ({ shape: [rows, columns] }, wantsGrad) => (wantsGrad ? 6 : 2) * rows * rows * columns,
  },
]
