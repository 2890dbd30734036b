import { compensatedSum, times } from './functions.ts'

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
