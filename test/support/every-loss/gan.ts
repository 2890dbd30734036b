import type { Random } from '../random.ts'
import * as reference from '../reference/index.ts'
import { CHANCES, type EveryLoss } from './entry.ts'
import { elements, withGrad, within } from './samplewise.ts'

const logit = (random: Random): number => 3 * random.normal()
const chance = (random: Random): number => random.between(0.001, 0.999)

/** What a generator is told; the two sides of a discriminator are in composed.ts. */
const generator = (name: string, at: reference.ElementLoss, steps = false): EveryLoss =>
  elements({
    name: `${name}.generator`,
    at,
    fields: [withGrad('fake')],
    next: random => [logit(random)],
    steps,
  })

const ofChances = (name: string, at: reference.ElementLoss): EveryLoss =>
  elements({
    name: `${name}.generator of probabilities`,
    lossName: `${name}.generator`,
    options: { inputs: 'probabilities' },
    at,
    fields: [within(CHANCES, withGrad('fake'))],
    next: random => [chance(random)],
    refuses: true,
    differences: { step: 2 ** -24, tolerance: 1e-8 },
  })

export const generators: readonly EveryLoss[] = [
  generator('minimaxGan', reference.minimaxGan.generator),
  ofChances('minimaxGan', reference.minimaxGanOfChances.generator),
  generator('nonSaturatingGan', reference.nonSaturatingGan.generator),
  ofChances('nonSaturatingGan', reference.nonSaturatingGanOfChances.generator),
  generator('lsGan', reference.lsGan.generator),
  generator('hingeGan', reference.hingeGan.generator, true),
  generator('wassersteinGan', reference.wassersteinGan.generator, true),
]
