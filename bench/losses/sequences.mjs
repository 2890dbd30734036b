/** CTC, by its forward and backward recursion in logarithms. */

/** @type {import('./loss.mjs').Loss['textbook']} */
function ctc(
  { logProbs, targets, inputLengths, targetLengths },
  grads,
  { shape: [, batch, classes] },
  scale,
) {
  const add = (a, b) => {
    const max = Math.max(a, b)
    return max === -Infinity ? max : max + Math.log1p(Math.exp(Math.min(a, b) - max))
  }
  const longest = targets.length / batch
  let sum = 0
  for (let n = 0; n < batch; n++) {
    const steps = inputLengths[n]
    const states = 2 * targetLengths[n] + 1
    const label = s => (s % 2 === 1 ? targets[n * longest + (s - 1) / 2] : 0)
    const at = (t, c) => (t * batch + n) * classes + c
    const mayJump = s => s % 2 === 1 && s > 1 && label(s) !== label(s - 2)
    const alpha = new Float64Array(steps * states).fill(-Infinity)
    const beta = new Float64Array(steps * states).fill(-Infinity)
    for (let t = 0; t < steps; t++)
      for (let s = 0; s < states; s++) {
        let from = t === 0 ? (s < 2 ? 0 : -Infinity) : alpha[(t - 1) * states + s]
        if (t > 0 && s > 0) from = add(from, alpha[(t - 1) * states + s - 1])
        if (t > 0 && mayJump(s)) from = add(from, alpha[(t - 1) * states + s - 2])
        alpha[t * states + s] = from + logProbs[at(t, label(s))]
      }
    const end = (steps - 1) * states + states
    const likelihood = states > 1 ? add(alpha[end - 1], alpha[end - 2]) : alpha[end - 1]
    const part = scale / Math.max(1, targetLengths[n])
    sum -= part * likelihood
    if (!grads) continue
    for (let t = steps - 1; t >= 0; t--)
      for (let s = states - 1; s >= 0; s--) {
        let to = t === steps - 1 ? (s >= states - 2 ? 0 : -Infinity) : beta[(t + 1) * states + s]
        if (t < steps - 1 && s + 1 < states) to = add(to, beta[(t + 1) * states + s + 1])
        if (t < steps - 1 && s + 2 < states && mayJump(s + 2)) to = add(to, beta[(t + 1) * states + s + 2])
        beta[t * states + s] = to + logProbs[at(t, label(s))]
      }
    const { logProbs: grad } = grads
    for (let t = 0; t < steps; t++) {
      for (let c = 0; c < classes; c++) grad[at(t, c)] = part * Math.exp(logProbs[at(t, c)])
      for (let s = 0; s < states; s++) {
        const i = at(t, label(s))
        grad[i] -= part * Math.exp(alpha[t * states + s] + beta[t * states + s] - logProbs[i] - likelihood)
      }
    }
  }
  return sum
}

/** Labels of each sample: a fifth of the steps. */
const labelsOf = ([steps]) => Math.floor(steps / 5)

/** @param {import('./loss.mjs').Size} size @param {import('../random.mjs').Random} random */
function draw({ elements, shape }, random) {
  const [steps, batch, classes] = shape
  const logProbs = random.floats(elements, -4, 4)
  for (let at = 0; at < elements; at += classes) {
    let total = 0
    for (let i = at; i < at + classes; i++) total += Math.exp(logProbs[i])
    const log = Math.log(total)
    for (let i = at; i < at + classes; i++) logProbs[i] -= log
  }
  return {
    logProbs,
    targets: random.integers(batch * labelsOf(shape), 1, classes),
    inputLengths: new Int32Array(batch).fill(steps),
    targetLengths: new Int32Array(batch).fill(labelsOf(shape)),
  }
}

/** @type {import('./loss.mjs').Loss[]} */
export const sequences = [
  {
    name: 'ctc',
    driver: 'sequences',
    grads: ['logProbs'],
    draw,
    shapes: ({ shape }) => ({
      logProbs: shape,
      targets: [shape[1], labelsOf(shape)],
      inputLengths: [shape[1]],
      targetLengths: [shape[1]],
    }),
    samples: ({ shape }) => shape[1],
    textbook: ctc,
    tolerance: 2e-3, // a recursion of hundreds of steps
  },
]
