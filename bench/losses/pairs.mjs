/** Losses of pairs and triplets of vectors, one loss for each row. */

/** @type {import('./loss.mjs').Loss['textbook']} */
function triplet({ anchor, positive, negative }, grads, { shape: [rows, columns] }, scale) {
  const margin = 20
  const eps = 1e-6
  let sum = 0
  for (let row = 0, at = 0; row < rows; row++, at += columns) {
    const end = at + columns
    let near = 0
    let far = 0
    for (let i = at; i < end; i++) {
      near += (anchor[i] - positive[i] + eps) ** 2
      far += (anchor[i] - negative[i] + eps) ** 2
    }
    near = Math.sqrt(near)
    far = Math.sqrt(far)
    const loss = margin + near - far
    if (loss > 0) sum += loss
    if (!grads) continue
    const toNear = loss > 0 && near > 0 ? scale / near : 0
    const toFar = loss > 0 && far > 0 ? scale / far : 0
    for (let i = at; i < end; i++) {
      const u = toNear * (anchor[i] - positive[i] + eps)
      const v = toFar * (anchor[i] - negative[i] + eps)
      grads.anchor[i] = u - v
      grads.positive[i] = -u
      grads.negative[i] = v
    }
  }
  return scale * sum
}

/** @type {import('./loss.mjs').Loss['textbook']} */
function contrastive({ x1, x2, label }, grads, { shape: [rows, columns] }, scale) {
  const margin = 20
  let sum = 0
  for (let row = 0, at = 0; row < rows; row++, at += columns) {
    const end = at + columns
    let square = 0
    for (let i = at; i < end; i++) square += (x1[i] - x2[i]) ** 2
    const distance = Math.sqrt(square)
    const y = label[row]
    const lack = Math.max(0, margin - distance)
    sum += (1 - y) * square + y * lack * lack
    if (!grads) continue
    const factor = 2 * scale * (1 - y - (y * lack) / distance)
    for (let i = at; i < end; i++) {
      const slope = factor * (x1[i] - x2[i])
      grads.x1[i] = slope
      grads.x2[i] = -slope
    }
  }
  return scale * sum
}

const vectors = ({ elements }, random) => random.floats(elements, -1, 1)
const sameFor = names => size => Object.fromEntries(names.map(name => [name, size.shape]))

/**
 * Margins larger than any distance here, so that every row has work to do, and none lies where the gradient jumps.
 *
 * @type {import('./loss.mjs').Loss[]}
 */
export const pairs = [
  {
    name: 'triplet',
    driver: 'pairs',
    grads: ['anchor', 'positive', 'negative'],
    options: { margin: 20 },
    draw: (size, random) => ({
      anchor: vectors(size, random),
      positive: vectors(size, random),
      negative: vectors(size, random),
    }),
    shapes: sameFor(['anchor', 'positive', 'negative']),
    samples: ({ shape }) => shape[0],
    textbook: triplet,
  },
  {
    name: 'contrastive',
    driver: 'pairs',
    grads: ['x1', 'x2'],
    options: { margin: 20 },
    draw: (size, random) => ({
      x1: vectors(size, random),
      x2: vectors(size, random),
      label: random.either(size.shape[0], 1, 0),
    }),
    shapes: size => ({ ...sameFor(['x1', 'x2'])(size), label: [size.shape[0]] }),
    samples: ({ shape }) => shape[0],
    textbook: contrastive,
  },
]
