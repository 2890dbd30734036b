import type { Random } from '../random.ts'
import * as reference from '../reference/index.ts'
import { CHANCES, type EveryLoss, LOG_CHANCES, POSITIVE } from './entry.ts'
import { elements, value, withGrad, within } from './samplewise.ts'

const counts = (random: Random): [number, number] => [2 * random.normal(), random.integer(8)]
const rates = (random: Random): [number, number] => [random.between(0.25, 8), random.integer(8)]
const spreads = (random: Random): [number, number, number] => [
  3 * random.normal(),
  3 * random.normal(),
  random.between(0.125, 4),
]
/** A log-probability, and a probability. */
const chances = (random: Random): [number, number] => [-8 * random.uniform(), random.between(0.001, 1)]
const logChances = (random: Random): [number, number] => [-8 * random.uniform(), -8 * random.uniform()]

const gaussian = {
  fields: [withGrad('mean'), value, within(POSITIVE, withGrad('variance'))],
  next: spreads,
  refuses: true,
}
const ofCounts = { fields: [withGrad('pred'), within(POSITIVE)] }
const ofRates = { fields: [within(POSITIVE, withGrad('pred')), within(POSITIVE)] }
const logPred = within(LOG_CHANCES, withGrad('pred'))
/** The slopes of 1 / v² are steep near the smallest variances. */
const steep = { differences: { step: 2 ** -18, tolerance: 1e-7 } }

export const probabilistic: readonly EveryLoss[] = [
  elements({ name: 'poissonNll', at: reference.poissonNll(), next: counts, ...ofCounts, ...steep }),
  elements({
    name: 'poissonNll with full',
    lossName: 'poissonNll',
    options: { full: true },
    at: reference.poissonNll({ full: true }),
    next: counts,
    ...ofCounts,
    ...steep,
  }),
  elements({
    name: 'poissonNll of rates',
    lossName: 'poissonNll',
    options: { logInput: false },
    at: reference.poissonNll({ logInput: false }),
    next: rates,
    ...ofRates,
    ...steep,
  }),
  elements({
    name: 'poissonNll of rates with full and eps',
    lossName: 'poissonNll',
    options: { logInput: false, full: true, eps: 0.5 },
    at: reference.poissonNll({ logInput: false, full: true, eps: 0.5 }),
    next: rates,
    ...ofRates,
    ...steep,
  }),
  elements({ name: 'gaussianNll', at: reference.gaussianNll(), ...gaussian, ...steep }),
  elements({
    name: 'gaussianNll with full',
    lossName: 'gaussianNll',
    options: { full: true },
    at: reference.gaussianNll({ full: true }),
    ...gaussian,
    ...steep,
  }),
  elements({
    name: 'klDiv',
    at: reference.klDiv(),
    next: chances,
    fields: [logPred, within(CHANCES)],
    steps: true,
  }),
  elements({
    name: 'klDiv with logTarget',
    lossName: 'klDiv',
    options: { logTarget: true },
    at: reference.klDiv(true),
    next: logChances,
    fields: [logPred, within(LOG_CHANCES)],
    steps: true,
  }),
]
