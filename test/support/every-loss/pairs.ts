import type { Random } from '../random.ts'
import * as reference from '../reference/index.ts'
import type { EveryLoss } from './entry.ts'
import { label, type Samplewise, samplewise, value, withGrad } from './samplewise.ts'

const SIZE = 6

const vector = (random: Random, scale = 1): number[] => random.list(SIZE, () => scale * random.normal())
const two = [withGrad('x1', SIZE), withGrad('x2', SIZE)]
const three = ['anchor', 'positive', 'negative'].map(key => withGrad(key, SIZE))
const steep = { differences: { step: 2 ** -18, tolerance: 5e-8 } }
/** A loss of 0 has no slope: of a pair far enough apart. */
const flat = { steps: true }

const contrastive = (options: { margin?: number }, rest: Partial<Samplewise> = {}): EveryLoss =>
  samplewise({
    name: 'contrastive',
    options,
    fields: [...two, label],
    next: random => [vector(random, 0.5), vector(random, 0.5), [random.integer(2)]],
    at: (a, b, [y]) => reference.contrastive(a as number[], b as number[], y as number, options.margin),
    refuses: true,
    ...steep,
    ...rest,
  })

const cosineEmbedding = (options: { margin?: number }, rest: Partial<Samplewise> = {}): EveryLoss =>
  samplewise({
    name: 'cosineEmbedding',
    options,
    fields: [...two, value],
    next: random => [vector(random), vector(random), [2 * random.integer(2) - 1]],
    at: (a, b, [y]) => reference.cosineEmbedding(a as number[], b as number[], y as number, options.margin),
    ...steep,
    ...rest,
  })

const triplet = (options: reference.TripletOptions, name = 'triplet'): EveryLoss =>
  samplewise({
    name,
    lossName: 'triplet',
    options: { ...options },
    fields: three,
    next: random => [vector(random), vector(random), vector(random)],
    at: (a, p, n) => reference.triplet(a as number[], p as number[], n as number[], options),
    ...steep,
    ...flat,
  })

const penalty = (
  options: { lambda?: number; target?: number; oneSided?: boolean },
  name: string,
): EveryLoss =>
  samplewise({
    name,
    lossName: 'gradientPenalty',
    options,
    fields: [withGrad('gradients', SIZE)],
    next: random => [vector(random, 0.5)],
    at: g => reference.gradientPenalty(g as number[], options),
    differences: { step: 2 ** -18, tolerance: 5e-7 },
  })

export const pairs: readonly EveryLoss[] = [
  contrastive({}),
  contrastive({ margin: 2.5 }, { name: 'contrastive with margin', lossName: 'contrastive' }),
  cosineEmbedding({}, flat),
  cosineEmbedding(
    { margin: 0.25 },
    { name: 'cosineEmbedding with margin', lossName: 'cosineEmbedding', ...flat },
  ),
  triplet({}),
  triplet({ margin: 2, p: 1 }, 'triplet with p 1'),
  triplet({ margin: 0.5, p: 3, eps: 0 }, 'triplet with p 3'),
  triplet({ p: 2.5 }, 'triplet with p 2.5'),
  triplet({ p: Number.POSITIVE_INFINITY }, 'triplet with p infinite'),
  triplet({ margin: 2, swap: true }, 'triplet with swap'),
  penalty({}, 'gradientPenalty'),
  penalty({ lambda: 2, target: 1.5, oneSided: true }, 'gradientPenalty with one side'),
]
