/** The two sides of generative adversarial networks: each term is a function of one score. */

import { relu, sigmoid, softplus } from './functions.ts'
import type { ElementLoss } from './sample.ts'

export interface Game {
  /** The discriminator's terms of real and of fake scores; each has its own mean. */
  readonly real: ElementLoss
  readonly fake: ElementLoss
  readonly generator: ElementLoss
}

const surprise: ElementLoss = x => ({ value: softplus(-x), grads: [-sigmoid(-x)] })
const doubt: ElementLoss = x => ({ value: softplus(x), grads: [sigmoid(x)] })
const negative =
  (term: ElementLoss): ElementLoss =>
  x => {
    const { value, grads } = term(x)
    return { value: -value, grads: grads.map(g => -g) }
  }
const to =
  (aim: number): ElementLoss =>
  x => ({ value: 0.5 * (x - aim) ** 2, grads: [x - aim] })
const minus: ElementLoss = x => ({ value: -x, grads: [-1] })
const plus: ElementLoss = x => ({ value: x, grads: [1] })

export const minimaxGan: Game = { real: surprise, fake: doubt, generator: negative(doubt) }
export const nonSaturatingGan: Game = { real: surprise, fake: doubt, generator: surprise }
export const lsGan: Game = { real: to(1), fake: to(0), generator: to(1) }
export const hingeGan: Game = {
  real: r => ({ value: relu(1 - r), grads: [1 - r > 0 ? -1 : 0] }),
  fake: f => ({ value: relu(1 + f), grads: [1 + f > 0 ? 1 : 0] }),
  generator: minus,
}
export const wassersteinGan: Game = { real: minus, fake: plus, generator: minus }

/** The same of probabilities, whose logarithms are cut off at -100 as those of bce are. */
const surpriseOfChance: ElementLoss = p => ({
  value: -Math.max(Math.log(p), -100),
  grads: [-(1 - p) / Math.max(p * (1 - p), 1e-12)],
})
const doubtOfChance: ElementLoss = p => ({
  value: -Math.max(Math.log1p(-p), -100),
  grads: [p / Math.max(p * (1 - p), 1e-12)],
})

export const minimaxGanOfChances: Game = {
  real: surpriseOfChance,
  fake: doubtOfChance,
  generator: negative(doubtOfChance),
}
export const nonSaturatingGanOfChances: Game = {
  real: surpriseOfChance,
  fake: doubtOfChance,
  generator: surpriseOfChance,
}
