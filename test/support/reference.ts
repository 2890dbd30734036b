/**
 * The losses in plain float64, as their pages define them: each formula in the form that keeps small results, nothing
 * else. Every function gives the value and the gradient of one element or one row, before weights and reductions.
 */

export interface Point {
  readonly value: number
  readonly grad: number
}

export type ElementLoss = (x: number, t: number) => Point

/** a·b where a = 0 switches the term off, whatever b is. */
const times = (a: number, b: number): number => (a === 0 ? 0 : a * b)

export const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
export const sigmoid = (x: number): number =>
  x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x))

export const mse: ElementLoss = (x, t) => ({ value: (x - t) ** 2, grad: 2 * (x - t) })
export const mbe: ElementLoss = (x, t) => ({ value: t - x, grad: -1 })
export const mae: ElementLoss = (x, t) => ({ value: Math.abs(x - t), grad: Math.sign(x - t) })

export const huber =
  (delta: number): ElementLoss =>
  (x, t) => {
    const d = x - t
    if (Math.abs(d) < delta) return { value: 0.5 * d * d, grad: d }
    return { value: delta * (Math.abs(d) - 0.5 * delta), grad: delta * Math.sign(d) }
  }

/** Logarithms are cut off at -100 and the gradient's denominator at 1e-12, as in PyTorch. */
export const bce: ElementLoss = (p, t) => ({
  value: -(t * Math.max(Math.log(p), -100) + (1 - t) * Math.max(Math.log1p(-p), -100)),
  grad: (p - t) / Math.max(p * (1 - p), 1e-12),
})

export const bceWithLogits =
  (posWeight = 1): ElementLoss =>
  (x, t) => ({
    value: times(1 - t, softplus(x)) + times(posWeight * t, softplus(-x)),
    grad: times(1 - t, sigmoid(x)) - times(posWeight * t, sigmoid(-x)),
  })

/** A sum that does not lose the small terms (Neumaier's compensated sum). */
export function compensatedSum(terms: Iterable<number>): number {
  let sum = 0
  let lost = 0
  for (const term of terms) {
    const next = sum + term
    if (Number.isFinite(next)) lost += Math.abs(sum) >= Math.abs(term) ? sum - next + term : term - next + sum
    sum = next
  }
  return sum + lost
}

export interface Softmax {
  /** log p of every class. */
  readonly logs: number[]
  /** p of every class. */
  readonly probabilities: number[]
  /** 1 - p of every class, without the cancellation. */
  readonly complements: number[]
  /** Distance of every class to the largest logit. */
  readonly distances: number[]
  /** The mean of the distances: what a change of all of them by a factor moves the logarithm of the sum by. */
  readonly spread: number
}

export function softmax(logits: readonly number[]): Softmax {
  const top = logits.reduce((a, b) => (Number.isNaN(a) || a >= b ? a : b))
  const first = logits.indexOf(top)
  const exps = logits.map(z => Math.exp(z - top))
  // The largest term is exactly 1; the rest alone decides how far log Σ is from 0.
  const rest = compensatedSum(exps.filter((_, j) => j !== first))
  const logSum = Number.isNaN(top) ? Number.NaN : Math.log1p(rest)
  const sum = 1 + rest
  const distances = logits.map(z => top - z)
  return {
    distances,
    spread: compensatedSum(exps.map((e, j) => times(e, distances[j] as number))) / sum,
    logs: logits.map(z => z - top - logSum),
    probabilities: exps.map(e => (Number.isNaN(logSum) ? Number.NaN : e / sum)),
    // sum - e >= 1 for every other class, so only the largest needs care.
    complements: exps.map((e, j) => (Number.isNaN(logSum) ? Number.NaN : j === first ? rest : sum - e) / sum),
  }
}

export interface Row {
  readonly value: number
  readonly grad: number[]
  /** What the row adds to the divisor of the mean. */
  readonly mass: number
  /** The size of the terms that the gradient is the difference of: what its rounding errors are relative to. */
  readonly scale: number[]
  /**
   * How far value and gradient move, to first order, where each difference of a logit to the largest one is off by a
   * factor of 1 + u: u times these. In float32 these differences are rounded once.
   */
  readonly moves: { readonly value: number; readonly grad: number[] }
}

export interface RowOptions {
  readonly weight?: readonly number[] | undefined
  readonly ignoreIndex?: number | undefined
  readonly labelSmoothing?: number | undefined
}

const zeros = (classes: number): number[] => new Array<number>(classes).fill(0)

const ignored = (classes: number): Row => ({
  value: 0,
  grad: zeros(classes),
  mass: 0,
  scale: zeros(classes),
  moves: { value: 0, grad: zeros(classes) },
})

/** The moves of a loss whose classes have shares of this sum in it. */
function movesOf({ probabilities, distances, spread }: Softmax, shares: number): Row['moves'] {
  const grad = probabilities.map((p, c) => shares * (times(p, distances[c] as number) + p * spread))
  return { value: shares * spread, grad }
}

export function crossEntropyOfIndex(logits: readonly number[], label: number, options: RowOptions = {}): Row {
  const { ignoreIndex = -100, labelSmoothing: smoothing = 0 } = options
  const classes = logits.length
  if (label === ignoreIndex) return ignored(classes)
  const weight = options.weight ?? new Array<number>(classes).fill(1)
  const mass = weight[label] as number
  const all = softmax(logits)
  const { logs, probabilities, complements } = all
  const own = (1 - smoothing) * mass
  const shares = weight.map(w => (smoothing / classes) * w)
  const spread = compensatedSum(shares)
  const toOwn = (c: number) => (c === label ? (complements[c] as number) : (probabilities[c] as number))
  return {
    value:
      own * -(logs[label] as number) +
      compensatedSum(shares.map((share, c) => times(share, -(logs[c] as number)))),
    grad: probabilities.map(
      (p, c) => (c === label ? -own : own) * toOwn(c) + (spread * p - (shares[c] as number)),
    ),
    mass,
    scale: probabilities.map((p, c) => own * toOwn(c) + spread * p + (shares[c] as number)),
    moves: movesOf(all, own + spread),
  }
}

export function crossEntropyOfProbabilities(
  logits: readonly number[],
  target: readonly number[],
  options: Omit<RowOptions, 'ignoreIndex'> = {},
): Row {
  const { labelSmoothing: smoothing = 0 } = options
  const classes = logits.length
  const weight = options.weight ?? new Array<number>(classes).fill(1)
  const all = softmax(logits)
  const { logs, probabilities } = all
  const shares = target.map((q, c) => (weight[c] as number) * ((1 - smoothing) * q + smoothing / classes))
  const total = compensatedSum(shares)
  return {
    value: compensatedSum(shares.map((share, c) => -share * (logs[c] as number))),
    grad: probabilities.map((p, c) => total * p - (shares[c] as number)),
    mass: 1,
    scale: probabilities.map((p, c) => Math.abs(total) * p + Math.abs(shares[c] as number)),
    moves: movesOf(all, Math.abs(total)),
  }
}

export function nll(logProbs: readonly number[], label: number, options: RowOptions = {}): Row {
  const { ignoreIndex = -100 } = options
  const nothing = ignored(logProbs.length)
  if (label === ignoreIndex) return nothing
  const mass = options.weight?.[label] ?? 1
  const grad = logProbs.map((_, c) => (c === label ? -mass : 0))
  return { ...nothing, value: -mass * (logProbs[label] as number), grad, mass, scale: grad.map(Math.abs) }
}
