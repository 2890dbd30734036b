/** Losses whose mean is not the mean of values: the root of one, and the sum of two. */

import type { AnyLoss, Options } from '../losses.ts'
import type { Random } from '../random.ts'
import * as reference from '../reference/index.ts'
import { find } from './samplewise.ts'

export interface Discriminator {
  readonly name: string
  readonly lossName: string
  readonly loss: AnyLoss
  readonly options: Options
  readonly game: reference.Game
  next(random: Random): number
  readonly differences: { readonly step: number; readonly tolerance: number }
}

const logits = {
  next: (random: Random) => 3 * random.normal(),
  differences: { step: 2 ** -17, tolerance: 2e-9 },
  options: {},
}
const chances = {
  next: (random: Random) => random.between(0.001, 0.999),
  differences: { step: 2 ** -24, tolerance: 1e-8 },
  options: { inputs: 'probabilities' },
}

const discriminator = (
  name: string,
  game: reference.Game,
  of: typeof logits | typeof chances = logits,
): Discriminator => {
  const lossName = `${name}.discriminator`
  return {
    name: of === logits ? lossName : `${lossName} of probabilities`,
    lossName,
    loss: find(lossName),
    game,
    ...of,
  }
}

export const PLANNED_DISCRIMINATORS: readonly Discriminator[] = [
  discriminator('minimaxGan', reference.minimaxGan),
  discriminator('minimaxGan', reference.minimaxGanOfChances, chances),
  discriminator('nonSaturatingGan', reference.nonSaturatingGan),
  discriminator('nonSaturatingGan', reference.nonSaturatingGanOfChances, chances),
  discriminator('lsGan', reference.lsGan),
  discriminator('hingeGan', reference.hingeGan),
  discriminator('wassersteinGan', reference.wassersteinGan),
]

export const DISCRIMINATORS = PLANNED_DISCRIMINATORS.filter(({ loss }) => loss !== undefined)

/** Absent while the package does not export it. */
export const rmse: AnyLoss | undefined = find('rmse')
