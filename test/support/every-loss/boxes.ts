import type { Random } from '../random.ts'
import * as reference from '../reference/index.ts'
import type { EveryLoss } from './entry.ts'
import { type Samplewise, samplewise, withGrad } from './samplewise.ts'

const box = (random: Random): number[] => {
  const [x, y] = [random.between(0, 4), random.between(0, 4)]
  return [x, y, x + random.between(1, 6), y + random.between(1, 6)]
}

/** Boxes that overlap, boxes that lie apart, and boxes that nearly agree. */
function pair(random: Random): [number[], number[]] {
  const target = box(random)
  const kind = random.integer(4)
  if (kind === 0) return [box(random).map((x, i) => (i % 2 === 0 ? x + 11 : x)), target]
  if (kind === 1) return [target.map(x => x + 0.0625 * random.normal()), target]
  return [box(random), target]
}

const boxes = (
  name: string,
  at: (pred: number[], target: number[]) => reference.Sample,
  rest: Partial<Samplewise> = {},
): EveryLoss =>
  samplewise({
    name,
    fields: [withGrad('pred', 4), { shape: [4], kind: 'float' }],
    next: pair,
    at: (pred, target) => at(pred as number[], target as number[]),
    differences: { step: 2 ** -18, tolerance: 2e-8 },
    ...rest,
  })

export const boxesLosses: readonly EveryLoss[] = [
  boxes('iou', (p, t) => reference.iou(p, t)),
  boxes('iou with form log', (p, t) => reference.iou(p, t, { form: 'log' }), {
    lossName: 'iou',
    options: { form: 'log' },
    steps: true,
    // Steep where boxes hardly overlap.
    differences: { step: 2 ** -22, tolerance: 2e-7 },
  }),
  boxes('giou', (p, t) => reference.giou(p, t)),
  boxes('diou', (p, t) => reference.diou(p, t)),
  // One of its factors has no gradient, so differences of the value are not its slopes.
  boxes('ciou', (p, t) => reference.ciou(p, t), {
    differences: { step: Number.NaN, tolerance: Number.NaN },
  }),
]
