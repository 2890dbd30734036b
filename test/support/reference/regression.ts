/** Losses of a prediction and a target, element by element. */

import { dot } from './functions.ts'
import type { ElementLoss } from './sample.ts'

type Pair = (x: number, t: number) => ReturnType<ElementLoss>

export const mse: Pair = (x, t) => ({ value: (x - t) ** 2, grads: [2 * (x - t)] })
export const mbe: Pair = (x, t) => ({ value: t - x, grads: [-1] })
export const mae: Pair = (x, t) => ({ value: Math.abs(x - t), grads: [Math.sign(x - t)] })

export const huber =
  (delta: number): Pair =>
  (x, t) => {
    const d = x - t
    if (Math.abs(d) < delta) return { value: 0.5 * d * d, grads: [d] }
    return { value: delta * (Math.abs(d) - 0.5 * delta), grads: [delta * Math.sign(d)] }
  }

export const smoothL1 =
  (beta: number): Pair =>
  (x, t) => {
    const d = x - t
    if (Math.abs(d) < beta) return { value: (0.5 * d * d) / beta, grads: [d / beta] }
    return { value: Math.abs(d) - 0.5 * beta, grads: [Math.sign(d)] }
  }

/** log cosh d = ½ log(1 + sinh² d) near 0, where |d| + log(1 + e^(-2|d|)) - log 2 would cancel. */
export const logCosh: Pair = (x, t) => {
  const d = Math.abs(x - t)
  const value = d < 1 ? 0.5 * Math.log1p(Math.sinh(d) ** 2) : d + (Math.log1p(Math.exp(-2 * d)) - Math.LN2)
  return { value, grads: [Math.tanh(x - t)] }
}

export const mape: Pair = (x, t) => {
  const by = Math.max(Math.abs(t), 1e-7)
  return { value: (100 * Math.abs(x - t)) / by, grads: [(100 * Math.sign(x - t)) / by] }
}

/** log(1 + x) - log(1 + t) = log(1 + (x - t) / (1 + t)) for x > t, which does not cancel. */
export const msle: Pair = (x, t) => {
  const [high, low] = [Math.max(x, 1e-7), Math.max(t, 1e-7)]
  const apart = Math.sign(high - low) * Math.log1p(Math.abs(high - low) / (1 + Math.min(high, low)))
  return { value: apart ** 2, grads: [x > 1e-7 ? (2 * apart) / (1 + x) : 0] }
}

export const quantile =
  (tau: number): Pair =>
  (x, t) => {
    const u = t - x
    return {
      value: u >= 0 ? tau * u : (tau - 1) * u,
      grads: [u === 0 ? 0 : u > 0 ? -tau : 1 - tau],
    }
  }

/** The root of the mean of d², of a whole batch; at 0 its gradient is 0. */
export function rmse(x: readonly number[], t: readonly number[]): { value: number; grads: number[][] } {
  const d = x.map((value, i) => value - (t[i] as number))
  const value = Math.sqrt(dot(d) / d.length)
  return { value, grads: [d.map(each => (value === 0 ? 0 : each / (d.length * value)))] }
}
