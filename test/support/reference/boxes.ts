/** Losses of boxes [x1, y1, x2, y2], with the gradient by the predicted box. */

import type { Sample } from './sample.ts'

type Box = readonly number[]
/** A number, and its slopes by the four coordinates of the predicted box, with their terms without signs. */
interface Slope {
  readonly value: number
  readonly by: readonly number[]
  readonly size?: readonly number[]
}

/** 1 where a > b, ½ where they are equal, as PyTorch's maximum and minimum share a tie. */
const above = (a: number, b: number): number => (a > b ? 1 : a === b ? 0.5 : 0)

interface Overlap {
  readonly intersection: Slope
  readonly union: Slope
  /** Width and height of the smallest box around both. */
  readonly around: readonly [Slope, Slope]
}

function overlapOf(pred: Box, target: Box): Overlap {
  const [x1, y1, x2, y2] = pred as [number, number, number, number]
  const [X1, Y1, X2, Y2] = target as [number, number, number, number]
  const iw = Math.min(x2, X2) - Math.max(x1, X1)
  const ih = Math.min(y2, Y2) - Math.max(y1, Y1)
  const apart = iw <= 0 || ih <= 0
  const byIntersection = [
    -ih * above(x1, X1),
    -iw * above(y1, Y1),
    ih * above(X2, x2),
    iw * above(Y2, y2),
  ].map(slope => (apart ? 0 : slope))
  const [w, h] = [x2 - x1, y2 - y1]
  const intersection = apart ? 0 : iw * ih
  const byArea = [-h, -w, h, w]
  return {
    intersection: { value: intersection, by: byIntersection },
    union: {
      value: w * h + (X2 - X1) * (Y2 - Y1) - intersection,
      by: byArea.map((slope, i) => slope - (byIntersection[i] as number)),
      size: byArea.map((slope, i) => Math.abs(slope) + Math.abs(byIntersection[i] as number)),
    },
    around: [
      { value: Math.max(x2, X2) - Math.min(x1, X1), by: [-above(X1, x1), 0, above(x2, X2), 0] },
      { value: Math.max(y2, Y2) - Math.min(y1, Y1), by: [0, -above(Y1, y1), 0, above(y2, Y2)] },
    ],
  }
}

/** a / (b + eps) */
function quotient(a: Slope, b: Slope, eps = 0): Slope {
  const by = b.value + eps
  const [sizes, sizesOfB] = [a.size ?? a.by, b.size ?? b.by]
  return {
    value: a.value / by,
    by: a.by.map((slope, i) => (slope * by - a.value * (b.by[i] as number)) / by ** 2),
    size: sizes.map(
      (size, i) => (Math.abs(size * by) + Math.abs(a.value * (sizesOfB[i] as number))) / by ** 2,
    ),
  }
}

/** A value that is the sum of terms, each with a factor. */
function sample(constant: number, ...terms: readonly (readonly [factor: number, term: Slope])[]): Sample {
  const each = (of: (term: Slope) => readonly number[]) =>
    [0, 1, 2, 3].map(i => terms.map(([factor, term]) => factor * (of(term)[i] as number)))
  const add = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0)
  return {
    value: add([constant, ...terms.map(([factor, { value }]) => factor * value)]),
    size: add([Math.abs(constant), ...terms.map(([factor, { value }]) => Math.abs(factor * value))]),
    grads: [each(({ by }) => by).map(add)],
    sizes: [each(({ by, size }) => size ?? by).map(numbers => 2 * add(numbers.map(Math.abs)))],
  }
}

export function iou(
  pred: Box,
  target: Box,
  { form = 'linear', eps = 1e-6 }: { form?: 'linear' | 'log'; eps?: number } = {},
): Sample {
  const { intersection, union } = overlapOf(pred, target)
  const ratio = quotient(intersection, union)
  if (form === 'linear') return sample(1, [-1, ratio])
  if (ratio.value < eps) return { value: -Math.log(eps), grads: [[0, 0, 0, 0]] }
  const grad = ratio.by.map(slope => -slope / ratio.value)
  const sizes = (ratio.size as number[]).map(size => (2 * size) / ratio.value)
  return { value: -Math.log(ratio.value), size: 1, grads: [grad], sizes: [sizes] }
}

export function giou(pred: Box, target: Box, eps = 1e-7): Sample {
  const { intersection, union, around } = overlapOf(pred, target)
  const [w, h] = around
  const area: Slope = {
    value: w.value * h.value,
    by: w.by.map((slope, i) => slope * h.value + w.value * (h.by[i] as number)),
  }
  const empty: Slope = {
    value: area.value - union.value,
    by: area.by.map((slope, i) => slope - (union.by[i] as number)),
    size: area.by.map((slope, i) => Math.abs(slope) + Math.abs(union.size?.[i] as number)),
  }
  return sample(1, [-1, quotient(intersection, union, eps)], [1, quotient(empty, area, eps)])
}

/** The squared distance of the centres over the squared diagonal of the box around both. */
function distance(pred: Box, target: Box, [w, h]: Overlap['around'], eps: number): Slope {
  const centre = (box: Box, i: number) => ((box[i] as number) + (box[i + 2] as number)) / 2
  const dx = centre(pred, 0) - centre(target, 0)
  const dy = centre(pred, 1) - centre(target, 1)
  const diagonal: Slope = {
    value: w.value ** 2 + h.value ** 2,
    by: w.by.map((slope, i) => 2 * w.value * slope + 2 * h.value * (h.by[i] as number)),
  }
  return quotient({ value: dx * dx + dy * dy, by: [dx, dy, dx, dy] }, diagonal, eps)
}

export function diou(pred: Box, target: Box, eps = 1e-7): Sample {
  const { intersection, union, around } = overlapOf(pred, target)
  return sample(1, [-1, quotient(intersection, union, eps)], [1, distance(pred, target, around, eps)])
}

/** How far the shapes of two boxes differ, from 0 to 1: by the angle of their diagonals. */
function turn(pred: Box, target: Box): Slope {
  const size = (box: Box) => [
    (box[2] as number) - (box[0] as number),
    (box[3] as number) - (box[1] as number),
  ]
  const [w, h] = size(pred) as [number, number]
  const [W, H] = size(target) as [number, number]
  // A point has no angle: 0 stands for it. Where both sides are positive this is atan(w / h).
  const turned = Math.atan2(W, H) - Math.atan2(w, h)
  const factor = 4 / Math.PI ** 2
  const square = w * w + h * h
  const by = (side: number) => (turned === 0 ? 0 : (2 * factor * turned * side) / square)
  return { value: factor * turned ** 2, by: [by(h), -by(w), -by(h), by(w)] }
}

/** What the difference of the shapes counts: it has no gradient. */
export function ciouFactor(pred: Box, target: Box, eps = 1e-7): number {
  const { intersection, union } = overlapOf(pred, target)
  const { value } = turn(pred, target)
  return value / (1 - quotient(intersection, union, eps).value + value + eps)
}

export function ciou(pred: Box, target: Box, eps = 1e-7, factor = ciouFactor(pred, target, eps)): Sample {
  const { intersection, union, around } = overlapOf(pred, target)
  return sample(
    1,
    [-1, quotient(intersection, union, eps)],
    [1, distance(pred, target, around, eps)],
    [factor, turn(pred, target)],
  )
}
