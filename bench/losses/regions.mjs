/** Losses of boxes and of masks. */

/** @type {import('./loss.mjs').Loss['textbook']} */
function giou({ pred, target }, grads, { shape: [rows] }, scale) {
  const eps = 1e-7
  let sum = 0
  for (let row = 0; row < rows; row++) {
    const at = 4 * row
    const [x1, y1, x2, y2] = [pred[at], pred[at + 1], pred[at + 2], pred[at + 3]]
    const [u1, v1, u2, v2] = [target[at], target[at + 1], target[at + 2], target[at + 3]]
    const wide = Math.min(x2, u2) - Math.max(x1, u1)
    const high = Math.min(y2, v2) - Math.max(y1, v1)
    const overlap = wide > 0 && high > 0
    const inter = overlap ? wide * high : 0
    const union = (x2 - x1) * (y2 - y1) + (u2 - u1) * (v2 - v1) - inter
    const width = Math.max(x2, u2) - Math.min(x1, u1)
    const height = Math.max(y2, v2) - Math.min(y1, v1)
    const hull = width * height
    sum += 1 - inter / (union + eps) + (hull - union) / (hull + eps)
    if (!grads) continue
    const part = (a, b) => (a === b ? 0.5 : a > b ? 1 : 0)
    // Corner by corner: how the sides of intersection and hull, and the own area, move with it.
    const sides = [
      [-part(x1, u1), -part(u1, x1), -(y2 - y1), true],
      [-part(y1, v1), -part(v1, y1), -(x2 - x1), false],
      [part(u2, x2), part(x2, u2), y2 - y1, true],
      [part(v2, y2), part(y2, v2), x2 - x1, false],
    ]
    for (let corner = 0; corner < 4; corner++) {
      const [inner, outer, own, isX] = sides[corner]
      const dInter = overlap ? inner * (isX ? high : wide) : 0
      const dUnion = own - dInter
      const dHull = outer * (isX ? height : width)
      grads.pred[at + corner] =
        scale *
        (-(dInter * (union + eps) - inter * dUnion) / (union + eps) ** 2 +
          ((dHull - dUnion) * (hull + eps) - (hull - union) * dHull) / (hull + eps) ** 2)
    }
  }
  return scale * sum
}

/** @type {import('./loss.mjs').Loss['textbook']} */
function dice({ pred, target }, grads, { shape: [images, pixels] }, scale) {
  const smooth = 1e-6
  let sum = 0
  for (let image = 0, at = 0; image < images; image++, at += pixels) {
    const end = at + pixels
    let inter = 0
    let all = 0
    for (let i = at; i < end; i++) {
      inter += pred[i] * target[i]
      all += pred[i] + target[i]
    }
    const above = 2 * inter + smooth
    const below = all + smooth
    sum += 1 - above / below
    if (!grads) continue
    for (let i = at; i < end; i++) grads.pred[i] = (scale * (above - 2 * target[i] * below)) / (below * below)
  }
  return scale * sum
}

/** Boxes of 1 to 21 on a field of 100. */
function boxes(rows, random) {
  const corners = random.floats(4 * rows, 0, 1)
  for (let at = 0; at < corners.length; at += 4) {
    corners[at] *= 80
    corners[at + 1] *= 80
    corners[at + 2] = corners[at] + 1 + 20 * corners[at + 2]
    corners[at + 3] = corners[at + 1] + 1 + 20 * corners[at + 3]
  }
  return corners
}

/** Predictions near their targets, as a detector's are: most of them overlap. */
function drawBoxes({ elements, shape: [rows] }, random) {
  const target = boxes(rows, random)
  const moves = random.floats(elements, -4, 4)
  const pred = new Float32Array(elements)
  for (let i = 0; i < elements; i++) pred[i] = target[i] + moves[i - (i % 4) + (i % 2)]
  return { pred, target }
}

const sameShape = ({ shape }) => ({ pred: shape, target: shape })

/** @type {import('./loss.mjs').Loss[]} */
export const regions = [
  {
    name: 'giou',
    driver: 'boxes',
    grads: ['pred'],
    draw: drawBoxes,
    shapes: sameShape,
    samples: ({ shape }) => shape[0],
    textbook: giou,
    tolerance: 1e-4,
  },
  {
    name: 'dice',
    driver: 'masks',
    grads: ['pred'],
    draw: ({ elements }, random) => ({
      pred: random.floats(elements, 0, 1),
      target: random.either(elements, 1, 0),
    }),
    shapes: sameShape,
    samples: ({ shape }) => shape[0],
    textbook: dice,
  },
]
