/**
 * Losses of elements, as formulas of JavaScript: `x` is the prediction, `t` the target. From them come the truth, one loop
 * as it is said, and the loops of the JavaScript contender.
 *
 * @typedef {{ with?: string, value: string, slope: string }} Formula `with` defines what both use
 */

const bce = 'Math.max(x, 0) - x * t + Math.log1p(Math.exp(-Math.abs(x)))'

/** @type {Record<string, Formula>} */
const formulas = {
  mse: { with: 'const d = x - t', value: 'd * d', slope: '2 * d' },
  mae: { with: 'const d = x - t', value: 'Math.abs(d)', slope: 'Math.sign(d)' },
  huber: {
    with: 'const d = x - t, a = Math.abs(d)',
    value: 'a < 1 ? 0.5 * d * d : a - 0.5',
    slope: 'Math.max(-1, Math.min(1, d))',
  },
  hinge: { with: 'const m = 1 - t * x', value: 'Math.max(0, m)', slope: 'm > 0 ? -t : 0' },
  bceWithLogits: {
    with: 'const e = Math.exp(-Math.abs(x)), s = 1 / (1 + e)',
    value: 'Math.max(x, 0) - x * t + Math.log1p(e)',
    slope: '(x < 0 ? e * s : s) - t',
  },
  logCosh: {
    with: 'const d = x - t, a = Math.abs(d)',
    value: 'a + Math.log1p(Math.exp(-2 * a)) - Math.LN2',
    slope: 'Math.tanh(d)',
  },
  sigmoidFocal: {
    with: `const p = 1 / (1 + Math.exp(-x)), u = p + t - 2 * p * t, a = 0.25 * t + 0.75 * (1 - t), b = ${bce}`,
    value: 'a * u * u * b',
    slope: 'a * u * (u * (p - t) + 2 * (1 - 2 * t) * b * p * (1 - p))',
  },
  klDiv: { value: 't > 0 ? t * (Math.log(t) - x) : 0', slope: '-t' },
}

/**
 * @param {string} name
 * @param {boolean} wantsGrad
 * @param {number} sums how many run side by side; a single one waits for every addition
 */
export function elementLoop(name, wantsGrad, sums) {
  const { with: definitions = '', value, slope } = formulas[name]
  const step = (sum, at) => `{
      const x = pred[${at}], t = target[${at}]
      ${definitions}
      s${sum} += ${value}
      ${wantsGrad ? `grad[${at}] = scale * (${slope})` : ''}
    }`
  const all = Array.from({ length: sums }, (_, i) => i)
  return new Function(
    'data',
    'grads',
    'size',
    'scale',
    `const { pred, target } = data, n = pred.length
    ${wantsGrad ? 'const grad = grads.pred' : ''}
    let ${all.map(i => `s${i} = 0`).join(', ')}, i = 0
    for (; i < n - ${sums - 1}; i += ${sums}) {${all.map(i => step(i, `i + ${i}`)).join('\n')}}
    for (; i < n; i++) ${step(0, 'i')}
    return scale * (${all.map(i => `s${i}`).join(' + ')})`,
  )
}

const scores = (size, random) => random.floats(size.elements, -5, 5)

/** Targets of the unit interval, which most losses take. */
const unit = (size, random) => ({ pred: scores(size, random), target: random.floats(size.elements, 0, 1) })
const signs = (size, random) => ({ pred: scores(size, random), target: random.either(size.elements, 1, -1) })
const bits = (size, random) => ({ pred: scores(size, random), target: random.either(size.elements, 1, 0) })
const logs = (size, random) => ({
  pred: random.floats(size.elements, -8, 0),
  target: random.floats(size.elements, 0, 1),
})

const draws = { hinge: signs, bceWithLogits: bits, sigmoidFocal: bits, klDiv: logs }

/** @type {import('./loss.mjs').Loss[]} */
export const elements = Object.keys(formulas).map(name => {
  const value = elementLoop(name, false, 1)
  const both = elementLoop(name, true, 1)
  return {
    name,
    driver: 'elements',
    grads: ['pred'],
    draw: draws[name] ?? unit,
    shapes: ({ shape }) => ({ pred: shape, target: shape }),
    samples: ({ elements }) => elements,
    textbook: (data, grads, size, scale) => (grads ? both : value)(data, grads, size, scale),
  }
})
