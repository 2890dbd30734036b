/** Losses of masks: of an image, or of a whole batch that is taken for one image. */

import { compensatedSum } from './functions.ts'
import type { Sample } from './sample.ts'

/** The Tversky loss, of which the others are cases. 1 - TP / (TP + αFP + βFN) is written without the difference. */
export function tversky(
  p: readonly number[],
  t: readonly number[],
  { alpha = 0.5, beta = 0.5, smooth = 1e-6 }: { alpha?: number; beta?: number; smooth?: number } = {},
): Sample {
  const both = compensatedSum(p.map((x, i) => x * (t[i] as number))) + smooth
  const onlyPred = compensatedSum(p.map((x, i) => x * (1 - (t[i] as number))))
  const onlyTarget = compensatedSum(p.map((x, i) => (1 - x) * (t[i] as number)))
  const missed = alpha * onlyPred + beta * onlyTarget
  const all = both + missed
  const terms = t.map(y => [-y * all, both * y, both * alpha * (1 - y), -both * beta * y])
  return {
    value: missed / all,
    grads: [terms.map(each => compensatedSum(each) / all ** 2)],
    sizes: [terms.map(each => compensatedSum(each.map(Math.abs)) / all ** 2)],
  }
}

export const maskIou = (p: readonly number[], t: readonly number[], smooth = 1e-6): Sample =>
  tversky(p, t, { alpha: 1, beta: 1, smooth })

/** Dice has 2I + s over the sum of both masks + s: Tversky at ½ with half the smooth. */
export const dice = (p: readonly number[], t: readonly number[], smooth = 1e-6): Sample =>
  tversky(p, t, { alpha: 0.5, beta: 0.5, smooth: smooth / 2 })

/** T^γ; where T is 0 and γ is not 1, the gradient is 0. */
export function focalTversky(
  p: readonly number[],
  t: readonly number[],
  { gamma = 0.75, ...rest }: { gamma?: number; alpha?: number; beta?: number; smooth?: number } = {},
): Sample {
  const { value, grads, sizes } = tversky(p, t, rest)
  const by = value === 0 && gamma !== 1 ? 0 : gamma * value ** (gamma - 1)
  const times = (lists: typeof grads = []) => lists.map(list => list.map(each => by * each))
  return { value: value ** gamma, grads: times(grads), sizes: times(sizes) }
}

/** In float32 and in the published order, which decides at multiples of 0.05. */
export function thresholdedIou(p: readonly number[], t: readonly number[]): Sample {
  const f = Math.fround
  const both = p.filter((x, i) => x !== 0 && t[i] !== 0).length
  const either = p.filter((x, i) => x !== 0 || t[i] !== 0).length
  const smooth = f(1e-6)
  const iou = f(f(both + smooth) / f(either + smooth))
  const steps = f(20 * f(iou - 0.5))
  return { value: f(Math.ceil(Math.min(Math.max(steps, 0), 10)) / 10), grads: [] }
}

/**
 * The Lovász extension of the Jaccard loss: errors in descending order, equal ones in the order of their pixels, each
 * weighed by what its pixel adds to the Jaccard loss of the set of those before it.
 */
export function lovasz(
  errors: readonly number[],
  object: readonly boolean[],
): { value: number; weights: number[] } {
  const order = errors.map((_, i) => i)
  order.sort((a, b) => (errors[b] as number) - (errors[a] as number) || a - b)
  const size = object.filter(Boolean).length
  const weights = errors.map(() => 0)
  const terms: number[] = []
  let missed = 0
  let added = 0
  for (const i of order) {
    // Jaccard losses with k and with k - 1 pixels: their difference in one fraction.
    const union = size + added
    const weight = object[i] ? 1 / union : (size - missed) / (union * (union + 1))
    const first = union === 0 ? 1 : weight
    if (object[i]) missed++
    else added++
    if ((errors[i] as number) <= 0) continue
    weights[i] = first
    terms.push((errors[i] as number) * first)
  }
  return { value: compensatedSum(terms), weights }
}

/** Of logits, and a mask of 0 and 1. */
export function lovaszHinge(x: readonly number[], t: readonly number[]): Sample {
  const signs = t.map(y => 2 * y - 1)
  const { value, weights } = lovasz(
    x.map((logit, i) => 1 - logit * (signs[i] as number)),
    t.map(y => y === 1),
  )
  return { value, size: value, grads: [weights.map((weight, i) => -(signs[i] as number) * weight)] }
}

/** Of the probabilities [B, C, P] and labels [B, P] of one image or of several that are one. */
export function lovaszSoftmax(
  p: readonly number[],
  labels: readonly number[],
  classes: number,
  images: number,
  ignoreIndex = -100,
): Sample {
  const pixels = labels.length / images
  const counted = labels.map((label, i) => ({ label, i })).filter(({ label }) => label !== ignoreIndex)
  const grad = p.map(() => 0)
  const present = [...new Set(counted.map(({ label }) => label))].sort((a, b) => a - b)
  let value = 0
  for (const c of present) {
    const places = counted.map(({ i }) => (Math.floor(i / pixels) * classes + c) * pixels + (i % pixels))
    const object = counted.map(({ label }) => label === c)
    const errors = places.map((place, n) => Math.abs(Number(object[n]) - (p[place] as number)))
    const one = lovasz(errors, object)
    value += one.value / present.length
    places.forEach((place, n) => {
      grad[place] = ((object[n] ? -1 : 1) * (one.weights[n] as number)) / present.length
    })
  }
  return { value, size: value, grads: [grad] }
}
