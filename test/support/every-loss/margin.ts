import type { Random } from '../random.ts'
import * as reference from '../reference/index.ts'
import { CHANCES, type EveryLoss, type Range } from './entry.ts'
import { elements, label, samplewise, value, withGrad, within } from './samplewise.ts'

const sign = (random: Random): number => 2 * random.integer(2) - 1
const signed = (random: Random): [number, number] => [2 * random.normal(), sign(random)]
const zeroOrOne: reference.ElementLoss = (x, t) => reference.hinge(x, 2 * (t as number) - 1)
const squaredZeroOrOne: reference.ElementLoss = (x, t) => reference.squaredHinge(x, 2 * (t as number) - 1)

const SIGNS: Range = [-1, 1]
const ranked = { fields: [withGrad('x1'), withGrad('x2'), within(SIGNS)], steps: true }
const rankedNext = (random: Random): number[] => [random.normal(), random.normal(), sign(random)]

export const margin: readonly EveryLoss[] = [
  elements({ name: 'hinge', at: reference.hinge, next: signed, refuses: true, steps: true }),
  elements({
    name: 'hinge of 0 and 1',
    lossName: 'hinge',
    options: { labels: '01' },
    at: zeroOrOne,
    next: random => [2 * random.normal(), random.integer(2)],
    refuses: true,
    steps: true,
  }),
  elements({ name: 'squaredHinge', at: reference.squaredHinge, next: signed, refuses: true }),
  elements({
    name: 'squaredHinge of 0 and 1',
    lossName: 'squaredHinge',
    options: { labels: '01' },
    at: squaredZeroOrOne,
    next: random => [2 * random.normal(), random.integer(2)],
    refuses: true,
  }),
  elements({
    name: 'softMargin',
    at: reference.softMargin,
    next: signed,
    fields: [withGrad('pred'), within(SIGNS)],
  }),
  elements({
    name: 'hingeEmbedding',
    at: reference.hingeEmbedding(1),
    fields: [withGrad('input'), value],
    next: random => [2 * random.normal(), random.integer(3) - 1],
    steps: true,
  }),
  elements({
    name: 'hingeEmbedding with margin',
    lossName: 'hingeEmbedding',
    options: { margin: 2.5 },
    at: reference.hingeEmbedding(2.5),
    fields: [withGrad('input'), label],
    next: random => [2 * random.normal(), sign(random)],
    steps: true,
  }),
  elements({ name: 'marginRanking', at: reference.marginRanking(0), next: rankedNext, ...ranked }),
  elements({
    name: 'marginRanking with margin',
    lossName: 'marginRanking',
    options: { margin: 0.75 },
    at: reference.marginRanking(0.75),
    next: rankedNext,
    ...ranked,
  }),
  samplewise({
    name: 'multilabelSoftMargin',
    fields: [withGrad('pred', 5), within(CHANCES, { shape: [5], kind: 'float' })],
    next: random => [random.list(5, () => 3 * random.normal()), random.list(5, () => random.integer(2))],
    at: (x, t) => reference.multilabelSoftMargin(x, t as number[]),
    weighs: false,
    steps: true,
  }),
  samplewise({
    name: 'multilabelSoftMargin with weight',
    lossName: 'multilabelSoftMargin',
    options: { weight: Float32Array.of(0.5, 2, 1, 0.25, 3) },
    fields: [withGrad('pred', 5), within(CHANCES, { shape: [5], kind: 'float' })],
    next: random => [random.list(5, () => 3 * random.normal()), random.list(5, () => random.uniform())],
    at: (x, t) => reference.multilabelSoftMargin(x, t as number[], [0.5, 2, 1, 0.25, 3]),
    weighs: false,
    steps: true,
  }),
  samplewise({
    name: 'multilabelMargin',
    fields: [withGrad('pred', 6), { shape: [6], kind: 'int' }],
    next(random) {
      // One to five of six classes, so that there is always a wrong one.
      const ids = random.shuffle([0, 1, 2, 3, 4, 5])
      const end = 1 + random.integer(5)
      return [random.list(6, () => 2 * random.normal()), ids.map((id, k) => (k === end ? -1 : id))]
    },
    at: (z, ids) => reference.multilabelMargin(z, ids as number[]),
    weighs: false,
    steps: true,
  }),
]
