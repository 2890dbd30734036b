/** Losses that ask for a margin. At their kinks they have PyTorch's slope. */

import { relu, sigmoid, softplus, times } from './functions.ts'
import type { ElementLoss, Sample } from './sample.ts'

/** The target is 1 or -1. */
export const hinge: ElementLoss = (x, t) => {
  const z = 1 - t * x
  return { value: relu(z), grads: [z > 0 ? -t : 0] }
}

export const squaredHinge: ElementLoss = (x, t) => {
  const z = relu(1 - t * x)
  return { value: z * z, grads: [-2 * t * z] }
}

export const softMargin: ElementLoss = (x, t) => ({
  value: softplus(-t * x),
  grads: [-t * sigmoid(-t * x)],
})

/** Any label but 1 and -1 adds both parts. */
export const hingeEmbedding =
  (margin: number): ElementLoss =>
  (x, t) => {
    const z = margin - x
    const pull = t === -1 ? 0 : 1
    const push = t === 1 ? 0 : 1
    return {
      value: pull * x + times(push, relu(z)),
      grads: [pull - (z >= 0 ? push : 0)],
      size: pull * Math.abs(x) + push * relu(z),
    }
  }

/** Gradients by both scores. */
export const marginRanking =
  (margin: number): ElementLoss =>
  (x1, x2, t) => {
    const z = -t * (x1 - x2) + margin
    const slope = z >= 0 ? t : 0
    return { value: relu(z), grads: [-slope, slope], size: Math.abs(t * (x1 - x2)) + Math.abs(margin) }
  }

/** The mean over the classes of the binary cross-entropies. */
export function multilabelSoftMargin(
  x: readonly number[],
  t: readonly number[],
  weight: readonly number[] = x.map(() => 1),
): Sample {
  const share = (c: number) => (weight[c] as number) / x.length
  const parts = x.map((z, c): [number, number, number] => {
    const y = t[c] as number
    return [
      share(c) * (times(1 - y, softplus(z)) + times(y, softplus(-z))),
      share(c) * times(1 - y, sigmoid(z)),
      share(c) * times(y, sigmoid(-z)),
    ]
  })
  const value = parts.reduce((sum, [part]) => sum + part, 0)
  return {
    value,
    size: value,
    grads: [parts.map(([, up, down]) => up - down)],
    scales: [parts.map(([, up, down]) => up + down)],
  }
}

/** The target holds class ids up to the first -1; an id that is there twice counts twice. */
export function multilabelMargin(z: readonly number[], target: readonly number[]): Sample {
  const end = target.indexOf(-1)
  const ids = end < 0 ? target : target.slice(0, end)
  const grad = z.map(() => 0)
  let value = 0
  let size = 0
  for (const id of ids) {
    for (let c = 0; c < z.length; c++) {
      if (ids.includes(c)) continue
      const short = 1 - (z[id] as number) + (z[c] as number)
      value += relu(short) / z.length
      size += short > 0 ? (1 + Math.abs(z[id] as number) + Math.abs(z[c] as number)) / z.length : 0
      if (short > 0) {
        grad[c] = (grad[c] as number) + 1
        grad[id] = (grad[id] as number) - 1
      }
    }
  }
  return { value, size, grads: [grad.map(count => count / z.length)] }
}

export interface MultiMarginOptions {
  readonly p?: 1 | 2
  readonly margin?: number
  readonly weight?: readonly number[]
}

/** The weight is that of the right class; the mean divides by the rows alone. */
export function multiMargin(
  z: readonly number[],
  label: number,
  { p = 1, margin = 1, weight }: MultiMarginOptions = {},
): Sample {
  const share = (weight?.[label] ?? 1) / z.length
  const grad = z.map(() => 0)
  let value = 0
  let size = 0
  let drawn = 0
  z.forEach((score, c) => {
    if (c === label) return
    const own = z[label] as number
    const short = margin - own + score
    value += share * relu(short) ** p
    if (!(short > 0)) return
    size += share * p * short ** (p - 1) * (margin + Math.abs(own) + Math.abs(score))
    grad[c] = share * p * short ** (p - 1)
    drawn += grad[c] as number
  })
  grad[label] = -drawn
  return { value, size, grads: [grad], sizes: [grad.map(slope => Math.abs(slope) + (p === 2 ? size : 0))] }
}

/** Crammer and Singer's: the largest wrong score against the right one. */
export function multiclassHinge(z: readonly number[], label: number): Sample {
  let rival = -1
  z.forEach((score, c) => {
    if (c !== label && (rival < 0 || score > (z[rival] as number) || Number.isNaN(score))) {
      if (rival < 0 || !Number.isNaN(z[rival])) rival = c
    }
  })
  const grad = z.map(() => 0)
  if (rival < 0) return { value: 0, grads: [grad] }
  const short = 1 + (z[rival] as number) - (z[label] as number)
  if (short > 0) {
    grad[rival] = 1
    grad[label] = -1
  }
  return {
    value: relu(short),
    size: 1 + Math.abs(z[rival] as number) + Math.abs(z[label] as number),
    grads: [grad],
  }
}
