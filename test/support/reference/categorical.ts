/** Losses of one class out of several. */

import { compensatedSum, powerErrors, times } from './functions.ts'
import type { Sample } from './sample.ts'
import { type Softmax, softmax } from './softmax.ts'

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
  /** What roundings in float64 are relative to, beyond the value and its gradient. */
  readonly size?: number
  readonly sizes?: number[]
}

export interface RowOptions {
  readonly weight?: readonly number[] | undefined
  readonly ignoreIndex?: number | undefined
  readonly labelSmoothing?: number | undefined
}

/** A row as a sample. */
export const ofRow = ({ value, grad, mass, scale, moves, size = 0, sizes = [] }: Row): Sample => ({
  value,
  mass,
  size,
  grads: [grad],
  sizes: [sizes],
  scales: [scale],
  moves: { value: moves.value, grads: [moves.grad] },
})

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

/** A loss that is a function of the cross-entropy n = -log p of the label alone. */
interface OfSurprise {
  /** Of n, p = e^-n and 1 - p. */
  value(n: number, p: number, complement: number): number
  /** d value / d n */
  slope(n: number, p: number, complement: number): number
}

/** As d n / d z_c = p_c - [c = label], the gradient is the slope times that. */
function ofSurprise(
  logits: readonly number[],
  label: number,
  ignoreIndex: number,
  { value, slope }: OfSurprise,
): Row {
  if (label === ignoreIndex) return ignored(logits.length)
  const { logs, probabilities, complements, distances, spread } = softmax(logits)
  const at = [-(logs[label] as number), probabilities[label] as number, complements[label] as number] as const
  const by = slope(...at)
  const parts = probabilities.map((p, c) => (c === label ? (complements[c] as number) : p))
  const grad = parts.map((part, c) => times(part, c === label ? -by : by))
  const nMoves = times(at[1], distances[label] as number) + spread + (distances[label] as number)
  // How far the slope itself moves, by a difference quotient.
  const [below, above] = [at[0] * (1 - 2 ** -12), at[0] * (1 + 2 ** -12)]
  const slopeOf = (n: number) => slope(n, Math.exp(-n), -Math.expm1(-n))
  const bend = at[0] > 0 ? Math.abs(slopeOf(above) - slopeOf(below)) / (above - below) : 0
  return {
    value: value(...at),
    grad,
    mass: 1,
    scale: grad.map(Math.abs),
    moves: {
      value: Math.abs(by) * nMoves,
      grad: parts.map(
        (part, c) =>
          Math.abs(by) * (probabilities[c] as number) * ((distances[c] as number) + spread) +
          bend * nMoves * part,
      ),
    },
  }
}

export interface FocalOptions {
  readonly alpha?: number
  readonly gamma?: number
  readonly ignoreIndex?: number
}

/** log p of a class; of an ignored label, of the first. */
const logOf = (logits: readonly number[], label: number): number =>
  softmax(logits).logs[Math.max(label, 0)] as number

/** ℓ = α (1 - p)^γ n. The quotient n / (1 - p) tends to 1 where p does. */
export function softmaxFocal(
  logits: readonly number[],
  label: number,
  { alpha = 0.25, gamma = 2, ignoreIndex = -100 }: FocalOptions = {},
): Row {
  const row = ofSurprise(logits, label, ignoreIndex, {
    value: (n, _, complement) => times(alpha * complement ** gamma, n),
    slope: (n, p, complement) =>
      alpha * complement ** gamma * (1 + gamma * times(p, complement === 0 ? 1 : n / complement)),
  })
  const errors = powerErrors(-Math.expm1(logOf(logits, label)), gamma)
  return { ...row, size: errors * row.value, sizes: row.grad.map(g => errors * Math.abs(g)) }
}

/** ℓ = n + ε (1 - p) */
export function poly1(
  logits: readonly number[],
  label: number,
  { epsilon = 2, ignoreIndex = -100 }: { epsilon?: number; ignoreIndex?: number } = {},
): Row {
  return ofSurprise(logits, label, ignoreIndex, {
    value: (n, _, complement) => n + epsilon * complement,
    slope: (_, p) => 1 + epsilon * p,
  })
}
