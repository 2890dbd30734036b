/** Losses of yes or no. */

import { powerErrors, sigmoid, softplus, times } from './functions.ts'
import type { ElementLoss } from './sample.ts'

/** Logarithms are cut off at -100 and the gradient's denominator at 1e-12, as in PyTorch. */
export const bce: ElementLoss = (p, t) => ({
  value: -(t * Math.max(Math.log(p), -100) + (1 - t) * Math.max(Math.log1p(-p), -100)),
  grads: [(p - t) / Math.max(p * (1 - p), 1e-12)],
})

export const bceWithLogits =
  (posWeight = 1): ElementLoss =>
  (x, t) => ({
    value: times(1 - t, softplus(x)) + times(posWeight * t, softplus(-x)),
    grads: [times(1 - t, sigmoid(x)) - times(posWeight * t, sigmoid(-x))],
    scales: [times(1 - t, sigmoid(x)) + times(posWeight * t, sigmoid(-x))],
  })

/**
 * ℓ = α_t u^γ ce, with u = 1 - p_t and ce the cross-entropy; no α where it is below 0. For a target of 0 or 1 one factor
 * of p(1 - p) is u itself, which u^(γ - 1) cancels: so the gradient stays finite where u is 0.
 */
export const sigmoidFocal =
  (alpha: number, gamma: number): ElementLoss =>
  (x, t) => {
    const [p, q] = [sigmoid(x), sigmoid(-x)]
    const ce = times(1 - t, softplus(x)) + times(t, softplus(-x))
    const balance = alpha < 0 ? 1 : alpha * t + (1 - alpha) * (1 - t)
    const u = p * (1 - t) + q * t
    const focus = balance * u ** gamma
    const value = times(focus, ce)
    const errors = powerErrors(u, gamma)
    const size = errors * value
    if (t === 0 || t === 1) {
      const [wrong, right] = t === 1 ? [q, p] : [p, q]
      const slope = (t === 1 ? -focus : focus) * (wrong + times(gamma * right, ce))
      return { value, size, grads: [slope], sizes: [errors * Math.abs(slope)] }
    }
    const terms = [
      focus * (1 - t) * p,
      -focus * t * q,
      gamma === 0 ? 0 : times(balance * gamma * u ** (gamma - 1) * p * q * (1 - 2 * t), ce),
    ]
    return {
      value,
      size,
      grads: [terms.reduce((a, b) => a + b)],
      scales: [terms.reduce((a, b) => a + Math.abs(b), 0)],
    }
  }
