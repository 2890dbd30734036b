/**
 * The losses of the package as a list, each with inputs that it accepts and its reference, for what has to hold for
 * every one of them.
 */

import { allPairs } from './all-pairs.ts'
import { binary } from './binary.ts'
import { boxesLosses } from './boxes.ts'
import { categorical } from './categorical.ts'
import type { EveryLoss } from './entry.ts'
import { generators } from './gan.ts'
import { margin } from './margin.ts'
import { masks } from './masks.ts'
import { pairs } from './pairs.ts'
import { probabilistic } from './probabilistic.ts'
import { regression } from './regression.ts'
import { sequences } from './sequences.ts'

export { type Batch, type EveryLoss, type GradientTruth, slackOf, type Tensor, type Truth } from './entry.ts'

/** Losses of which each value is a function of its inputs, whether the package has them already or not. */
export const PLANNED: readonly EveryLoss[] = [
  ...regression,
  ...probabilistic,
  ...binary,
  ...margin,
  ...categorical,
  ...boxesLosses,
  ...masks,
  ...pairs,
  ...allPairs,
  ...generators,
  ...sequences,
]

export const EVERY_LOSS: readonly EveryLoss[] = PLANNED.filter(({ loss }) => loss !== undefined)
