import type { Random } from '../random.ts'
import * as reference from '../reference/index.ts'
import type { EveryLoss } from './entry.ts'
import { elements } from './samplewise.ts'

const near = (random: Random): [number, number] => [3 * random.normal(), 3 * random.normal()]
const positive = (random: Random): [number, number] => [10 * random.uniform(), 10 * random.uniform()]
/** A target that is not near 0, by which the error is divided. */
const proportional = (random: Random): [number, number] => {
  const target = (random.integer(2) === 0 ? -1 : 1) * random.between(0.25, 8)
  return [target + random.normal(), target]
}

export const regression: readonly EveryLoss[] = [
  elements({ name: 'mse', at: reference.mse, next: near }),
  elements({ name: 'mbe', at: reference.mbe, next: near, steps: true }),
  elements({ name: 'mae', at: reference.mae, next: near }),
  elements({ name: 'huber', at: reference.huber(1), next: near }),
  elements({
    name: 'huber with delta',
    lossName: 'huber',
    at: reference.huber(2.5),
    next: near,
    options: { delta: 2.5 },
  }),
  elements({ name: 'smoothL1', at: reference.smoothL1(1), next: near }),
  elements({
    name: 'smoothL1 with beta',
    lossName: 'smoothL1',
    at: reference.smoothL1(2.5),
    next: near,
    options: { beta: 2.5 },
  }),
  elements({
    name: 'smoothL1 without a parabola',
    lossName: 'smoothL1',
    at: reference.smoothL1(0),
    next: near,
    options: { beta: 0 },
    steps: true,
  }),
  elements({ name: 'logCosh', at: reference.logCosh, next: near }),
  elements({
    name: 'logCosh of small errors',
    lossName: 'logCosh',
    at: reference.logCosh,
    next: random => {
      const target = random.normal()
      return [target + 2 ** (-random.integer(16) - 1) * random.normal(), target]
    },
  }),
  elements({
    name: 'mape',
    at: reference.mape,
    next: proportional,
    steps: true,
    differences: { step: 2 ** -17, tolerance: 1e-8 },
  }),
  elements({ name: 'msle', at: reference.msle, next: positive }),
  elements({
    name: 'msle of small errors',
    lossName: 'msle',
    at: reference.msle,
    next: random => {
      const target = 10 * random.uniform()
      return [target + 2 ** (-random.integer(16) - 1) * random.uniform(), target]
    },
  }),
  elements({ name: 'quantile', at: reference.quantile(0.5), next: near, steps: true }),
  elements({
    name: 'quantile with tau',
    lossName: 'quantile',
    at: reference.quantile(0.875),
    next: near,
    options: { tau: 0.875 },
    steps: true,
  }),
]
