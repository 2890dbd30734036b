/** Losses of two or three vectors. */

import { dot, relu, times } from './functions.ts'
import type { Sample } from './sample.ts'

type Vector = readonly number[]

const difference = (a: Vector, b: Vector, plus = 0): number[] => a.map((x, k) => x - (b[k] as number) + plus)

/** The label is 0 for a similar pair and 1 for a dissimilar one. */
export function contrastive(x1: Vector, x2: Vector, label: number, margin = 1): Sample {
  const apart = difference(x1, x2)
  const square = dot(apart)
  const d = Math.sqrt(square)
  const short = relu(margin - d)
  const grad = apart.map(u => times(1 - label, 2 * u) - times(label * short, d === 0 ? 0 : (2 * u) / d))
  return {
    value: times(1 - label, square) + times(label, short * short),
    size: (1 - label) * square + 2 * label * short * (margin + d),
    grads: [grad, grad.map(g => -g)],
    // The distance is near the margin where the gradient is small.
    sizes: [0, 1].map(() =>
      apart.map(
        u => 4 * (1 - label) * Math.abs(u) + times(label, d === 0 ? 0 : ((margin + d) * 4 * Math.abs(u)) / d),
      ),
    ),
  }
}

/** The label is 1 or -1; any other gives 0. */
export function cosineEmbedding(x1: Vector, x2: Vector, label: number, margin = 0): Sample {
  const none = x1.map(() => 0)
  const [square1, square2] = [dot(x1) + 1e-12, dot(x2) + 1e-12]
  const norms = Math.sqrt(square1 * square2)
  const cosine = dot(x1, x2) / norms
  const size = dot(x1.map(Math.abs), x2.map(Math.abs)) / norms + 1
  const slope = label === 1 ? -1 : label === -1 && cosine - margin >= 0 ? 1 : 0
  if (label !== 1 && label !== -1) return { value: 0, grads: [none, none] }
  const by = (a: Vector, b: Vector, square: number) =>
    a.map((x, k) => times(slope, (b[k] as number) / norms - (cosine * x) / square))
  const sizeBy = (a: Vector, b: Vector, square: number) =>
    a.map((x, k) => 4 * (Math.abs((b[k] as number) / norms) + size * (Math.abs(x) / square)))
  return {
    value: label === 1 ? 1 - cosine : relu(cosine - margin),
    size: size + Math.abs(margin),
    grads: [by(x1, x2, square1), by(x2, x1, square2)],
    sizes: [sizeBy(x1, x2, square1), sizeBy(x2, x1, square2)],
  }
}

/** ‖a - b + eps‖_p and its slopes by a; at 0 they are 0. */
export function distance(a: Vector, b: Vector, p = 2, eps = 1e-6): { value: number; by: number[] } {
  const u = difference(a, b, eps)
  const largest = u.reduce((most, x) => Math.max(most, Math.abs(x)), 0)
  if (p === Number.POSITIVE_INFINITY) {
    const ties = u.filter(x => Math.abs(x) === largest).length
    return {
      value: largest,
      by: u.map(x => (largest > 0 && Math.abs(x) === largest ? Math.sign(x) / ties : 0)),
    }
  }
  if (!(largest > 0)) return { value: largest, by: u.map(() => 0) }
  const sum = u.reduce((total, x) => total + Math.abs(x / largest) ** p, 0)
  const value = largest * sum ** (1 / p)
  return { value, by: u.map(x => Math.sign(x) * Math.abs(x / value) ** (p - 1)) }
}

export interface TripletOptions {
  readonly margin?: number
  readonly p?: number
  readonly eps?: number
  readonly swap?: boolean
}

export function triplet(
  anchor: Vector,
  positive: Vector,
  negative: Vector,
  { margin = 1, p = 2, eps = 1e-6, swap = false }: TripletOptions = {},
): Sample {
  const near = distance(anchor, positive, p, eps)
  const far = distance(anchor, negative, p, eps)
  const other = distance(positive, negative, p, eps)
  // A tie is shared by both.
  const share = !swap || far.value < other.value ? 0 : far.value === other.value ? 0.5 : 1
  const least = swap ? Math.min(far.value, other.value) : far.value
  const short = margin + near.value - least
  const on = short >= 0 ? 1 : 0
  const at = (list: Vector, k: number) => list[k] as number
  const size = margin + near.value + least
  return {
    value: relu(short),
    size,
    grads: [
      anchor.map((_, k) => on * (at(near.by, k) - (1 - share) * at(far.by, k))),
      anchor.map((_, k) => on * (-at(near.by, k) - share * at(other.by, k))),
      anchor.map((_, k) => on * ((1 - share) * at(far.by, k) + share * at(other.by, k))),
    ],
    sizes: [0, 1, 2].map(() =>
      anchor.map(
        (_, k) => 4 * (Math.abs(at(near.by, k)) + Math.abs(at(far.by, k)) + Math.abs(at(other.by, k))),
      ),
    ),
  }
}

/** λ (‖g‖ / target - 1)²; one-sided, only norms above the target cost. */
export function gradientPenalty(
  g: Vector,
  {
    lambda = 10,
    target = 1,
    oneSided = false,
  }: { lambda?: number; target?: number; oneSided?: boolean } = {},
): Sample {
  const norm = Math.sqrt(dot(g))
  const over = oneSided ? relu(norm / target - 1) : norm / target - 1
  const size = norm / target + 1
  return {
    value: lambda * over * over,
    size: 4 * lambda * Math.abs(over) * size,
    grads: [g.map(x => (norm === 0 ? 0 : (2 * lambda * over * x) / (target * norm)))],
    sizes: [g.map(x => (norm === 0 ? 0 : (4 * lambda * size * Math.abs(x)) / (target * norm)))],
  }
}
