/**
 * Plain loops, written as an engine likes them: one pass where one is enough, typed arrays, four sums side by side where
 * nothing but the addition would be waited for.
 */

/** @typedef {import('../cases.mjs').DataSet} DataSet */

/** @param {DataSet} set */
function mse({ pred, target }) {
  const n = pred.length
  let a = 0
  let b = 0
  let c = 0
  let d = 0
  let i = 0
  for (; i + 3 < n; i += 4) {
    const e = pred[i] - target[i]
    const f = pred[i + 1] - target[i + 1]
    const g = pred[i + 2] - target[i + 2]
    const h = pred[i + 3] - target[i + 3]
    a += e * e
    b += f * f
    c += g * g
    d += h * h
  }
  for (; i < n; i++) a += (pred[i] - target[i]) ** 2
  return (a + b + (c + d)) / n
}

/** @param {DataSet} set */
function mseWithGrad({ pred, target, grad }) {
  const n = pred.length
  const scale = 2 / n
  let a = 0
  let b = 0
  let i = 0
  for (; i + 1 < n; i += 2) {
    const e = pred[i] - target[i]
    const f = pred[i + 1] - target[i + 1]
    grad[i] = scale * e
    grad[i + 1] = scale * f
    a += e * e
    b += f * f
  }
  for (; i < n; i++) {
    const e = pred[i] - target[i]
    grad[i] = scale * e
    a += e * e
  }
  return (a + b) / n
}

/** @param {DataSet} set */
function bce({ pred, target }) {
  let sum = 0
  for (let i = 0; i < pred.length; i++) {
    const x = pred[i]
    sum += Math.max(x, 0) - x * target[i] + Math.log1p(Math.exp(-Math.abs(x)))
  }
  return sum / pred.length
}

/** @param {DataSet} set */
function bceWithGrad({ pred, target, grad }) {
  const scale = 1 / pred.length
  let sum = 0
  for (let i = 0; i < pred.length; i++) {
    const x = pred[i]
    const e = Math.exp(-Math.abs(x))
    const s = 1 / (1 + e)
    sum += Math.max(x, 0) - x * target[i] + Math.log1p(e)
    grad[i] = scale * ((x < 0 ? e * s : s) - target[i])
  }
  return sum / pred.length
}

/** @param {DataSet} set */
function crossEntropy({ pred, target }) {
  const rows = target.length
  const classes = pred.length / rows
  let sum = 0
  for (let row = 0, at = 0; row < rows; row++, at += classes) {
    const end = at + classes
    let max = pred[at]
    for (let i = at + 1; i < end; i++) if (pred[i] > max) max = pred[i]
    let total = 0
    for (let i = at; i < end; i++) total += Math.exp(pred[i] - max)
    sum += max + Math.log(total) - pred[at + target[row]]
  }
  return sum / rows
}

/** @param {DataSet} set */
function crossEntropyWithGrad({ pred, target, grad }) {
  const rows = target.length
  const classes = pred.length / rows
  let sum = 0
  for (let row = 0, at = 0; row < rows; row++, at += classes) {
    const end = at + classes
    let max = pred[at]
    for (let i = at + 1; i < end; i++) if (pred[i] > max) max = pred[i]
    let total = 0
    for (let i = at; i < end; i++) {
      const e = Math.exp(pred[i] - max)
      grad[i] = e
      total += e
    }
    const scale = 1 / (total * rows)
    for (let i = at; i < end; i++) grad[i] *= scale
    grad[at + target[row]] -= 1 / rows
    sum += max + Math.log(total) - pred[at + target[row]]
  }
  return sum / rows
}

const value = { mse, bceWithLogits: bce, crossEntropy }
const valueAndGrad = { mse: mseWithGrad, bceWithLogits: bceWithGrad, crossEntropy: crossEntropyWithGrad }

/** @returns {import('./contender.mjs').Contender} */
export const load = () => ({
  name: 'JavaScript',
  version: `V8 ${process.versions.v8}`,
  note: 'plain loops over typed arrays, sums in float64',
  prepare({ loss, wantsGrad, sets }) {
    const fn = (wantsGrad ? valueAndGrad : value)[loss]
    return [{ call: set => fn(sets[set]) }]
  },
})
