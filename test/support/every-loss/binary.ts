import type { Random } from '../random.ts'
import * as reference from '../reference/index.ts'
import { CHANCES, type EveryLoss } from './entry.ts'
import { elements, withGrad, within } from './samplewise.ts'

const ofLogits = { fields: [withGrad('pred'), within(CHANCES)] }

const chances = (random: Random): [number, number] => [
  random.between(0.001, 0.999),
  random.integer(2) === 0 ? random.integer(2) : random.uniform(),
]
const logits = (random: Random): [number, number] => [
  4 * random.normal(),
  random.integer(2) === 0 ? random.integer(2) : random.uniform(),
]
const labelled = (random: Random): [number, number] => [4 * random.normal(), random.integer(2)]

/** The softplus is within 2 ulps; with posWeight, its factor (1 - t) + w t adds three roundings of half an ulp. */
const POS_WEIGHT_ULPS = { float32: 3.5, float64: 8 }

/** u to the power of gamma has gamma times the error of u, here as in the reference: an ulp each. float32 is computed in float64. */
const focalUlps = (gamma: number) => ({ float32: 2, float64: 8 + 2 * gamma })

export const binary: readonly EveryLoss[] = [
  elements({
    name: 'bce',
    at: reference.bce,
    fields: [within(CHANCES, withGrad('pred')), within(CHANCES)],
    next: chances,
    refuses: true,
    // Its third derivative is of the order of 1 / p³.
    differences: { step: 2 ** -24, tolerance: 1e-8 },
  }),
  elements({ name: 'bceWithLogits', at: reference.bceWithLogits(), ...ofLogits, next: logits }),
  elements({
    name: 'bceWithLogits with posWeight',
    lossName: 'bceWithLogits',
    options: { posWeight: 3 },
    at: reference.bceWithLogits(3),
    ...ofLogits,
    next: logits,
    ulps: POS_WEIGHT_ULPS,
  }),
  elements({ name: 'sigmoidFocal', at: reference.sigmoidFocal(0.25, 2), ...ofLogits, next: labelled }),
  elements({
    name: 'sigmoidFocal of soft targets',
    lossName: 'sigmoidFocal',
    at: reference.sigmoidFocal(0.25, 2),
    ...ofLogits,
    next: logits,
  }),
  ...[0, 0.5, 1, 5].map(gamma =>
    elements({
      name: `sigmoidFocal with gamma ${gamma}`,
      lossName: 'sigmoidFocal',
      options: { gamma, alpha: -1 },
      at: reference.sigmoidFocal(-1, gamma),
      ...ofLogits,
      next: labelled,
      ulps: focalUlps(gamma),
    }),
  ),
]
