/** Losses of rows of class scores. */

/** @type {import('./loss.mjs').Loss['textbook']} */
function crossEntropy({ logits, target }, grads, { shape: [rows, classes] }, scale) {
  let sum = 0
  for (let row = 0, at = 0; row < rows; row++, at += classes) {
    const end = at + classes
    let max = logits[at]
    for (let i = at + 1; i < end; i++) if (logits[i] > max) max = logits[i]
    let total = 0
    for (let i = at; i < end; i++) total += Math.exp(logits[i] - max)
    sum += max + Math.log(total) - logits[at + target[row]]
    if (!grads) continue
    const grad = grads.logits
    for (let i = at; i < end; i++) grad[i] = (scale * Math.exp(logits[i] - max)) / total
    grad[at + target[row]] -= scale
  }
  return scale * sum
}

/** @type {import('./loss.mjs').Loss['textbook']} */
function multilabelSoftMargin({ pred, target }, grads, { shape: [, classes] }, scale) {
  const part = scale / classes
  let sum = 0
  for (let i = 0; i < pred.length; i++) {
    const x = pred[i]
    const t = target[i]
    const e = Math.exp(-Math.abs(x))
    sum += Math.max(x, 0) - x * t + Math.log1p(e)
    if (grads) grads.pred[i] = part * ((x < 0 ? e : 1) / (1 + e) - t)
  }
  return part * sum
}

/** @type {import('./loss.mjs').Loss[]} */
export const rows = [
  {
    name: 'crossEntropy',
    driver: 'rows',
    grads: ['logits'],
    draw: ({ elements, shape: [rows, classes] }, random) => ({
      logits: random.floats(elements, -5, 5),
      target: random.integers(rows, 0, classes),
    }),
    shapes: ({ shape }) => ({ logits: shape, target: [shape[0]] }),
    samples: ({ shape }) => shape[0],
    textbook: crossEntropy,
  },
  {
    name: 'multilabelSoftMargin',
    driver: 'multilabel',
    grads: ['pred'],
    draw: ({ elements }, random) => ({
      pred: random.floats(elements, -5, 5),
      target: random.either(elements, 1, 0),
    }),
    shapes: ({ shape }) => ({ pred: shape, target: shape }),
    samples: ({ shape }) => shape[0],
    textbook: multilabelSoftMargin,
  },
]
