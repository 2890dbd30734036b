/** Losses that are the negative logarithm of a likelihood. */

import type { ElementLoss } from './sample.ts'

export interface PoissonOptions {
  readonly logInput?: boolean
  readonly full?: boolean
  readonly eps?: number
}

/** `full` adds Stirling's approximation of log t! where t > 1. */
export const poissonNll =
  ({ logInput = true, full = false, eps = 1e-8 }: PoissonOptions = {}): ElementLoss =>
  (x, t) => {
    const terms = logInput ? [Math.exp(x), -t * x] : [x, -t * Math.log(x + eps)]
    if (full && t > 1) terms.push(t * Math.log(t), -t, 0.5 * Math.log(2 * Math.PI * t))
    const slopes = logInput ? [Math.exp(x), -t] : [1, -t / (x + eps)]
    return {
      value: total(terms),
      grads: [total(slopes)],
      size: total(terms.map(Math.abs)),
      sizes: [total(slopes.map(Math.abs))],
    }
  }

export interface GaussianOptions {
  readonly full?: boolean
  readonly eps?: number
}

/** Gradients by the mean and by the variance, which also flows where the variance is cut off below `eps`. */
export const gaussianNll =
  ({ full = false, eps = 1e-6 }: GaussianOptions = {}): ElementLoss =>
  (mean, t, variance) => {
    const v = Math.max(variance, eps)
    const d = mean - t
    const terms = [0.5 * Math.log(v), (0.5 * d * d) / v]
    if (full) terms.push(0.5 * Math.log(2 * Math.PI))
    return {
      value: total(terms),
      grads: [d / v, (0.5 * (1 - (d * d) / v)) / v],
      size: total(terms.map(Math.abs)),
      sizes: [Math.abs(d / v), (0.5 * (1 + (d * d) / v)) / v],
    }
  }

/** The input holds log-probabilities. t log t is 0 at t = 0. */
export const klDiv =
  (logTarget = false): ElementLoss =>
  (x, t) => {
    if (logTarget) {
      const p = Math.exp(t)
      return { value: p * (t - x), grads: [-p], size: p * (Math.abs(t) + Math.abs(x)) }
    }
    if (t === 0) return { value: -0 * x, grads: [0] }
    return {
      value: t * (Math.log(t) - x),
      grads: [-t],
      size: t * (Math.abs(Math.log(t)) + Math.abs(x)),
    }
  }

const total = (terms: readonly number[]): number => terms.reduce((a, b) => a + b, 0)
