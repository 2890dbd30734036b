import type { Options } from '../losses.ts'
import type { Random } from '../random.ts'
import * as reference from '../reference/index.ts'
import { CHANCES, type EveryLoss } from './entry.ts'
import { label, samplewise, withGrad, within } from './samplewise.ts'

const CLASS_WEIGHTS = [0.5, 2, 1, 0.25, 3, 1.5, 0.75]
const smoothed = { weight: Float32Array.from(CLASS_WEIGHTS), labelSmoothing: 0.125 }
const smoothing = { weight: CLASS_WEIGHTS, labelSmoothing: 0.125 }

const scores = (random: Random, classes: number): number[] => random.list(classes, () => 3 * random.normal())

interface Labelled {
  readonly lossName?: string
  readonly options?: Options
  readonly key?: string
  /** Whether some labels are the default of ignoreIndex. */
  readonly ignores?: boolean
  readonly steps?: boolean
  readonly reads?: EveryLoss['reads']
  row?(random: Random, classes: number): number[]
}

function labelled(
  name: string,
  classes: number,
  at: (row: number[], label: number) => reference.Row | reference.Sample,
  { key = 'logits', ignores = true, row = scores, ...rest }: Labelled = {},
): EveryLoss {
  return samplewise({
    name,
    fields: [withGrad(key, classes), label],
    weighs: false,
    next: random => [
      row(random, classes),
      [ignores && random.integer(5) === 0 ? -100 : random.integer(classes)],
    ],
    at: (row, [target]) => {
      const result = at(row as number[], target as number)
      return 'grads' in result ? result : reference.ofRow(result)
    },
    ...rest,
  })
}

function distributed(
  name: string,
  classes: number,
  at: (row: number[], q: number[]) => reference.Row,
  options: Options = {},
): EveryLoss {
  return samplewise({
    name,
    lossName: 'crossEntropy',
    options,
    fields: [withGrad('logits', classes), within(CHANCES, { shape: [classes], kind: 'float' })],
    weighs: false,
    next: random => [scores(random, classes), random.list(classes, () => random.uniform())],
    at: (row, q) => reference.ofRow(at(row as number[], q as number[])),
  })
}

const logSoftmax = (random: Random, classes: number): number[] =>
  reference.softmax(scores(random, classes)).logs

/** The value is read from the labelled class alone. */
const ofLabels: Labelled = {
  key: 'logProbs',
  row: logSoftmax,
  steps: true,
  reads: ({ inputs }, sample) => {
    const width = inputs[0]?.shape[1] as number
    return sample * width + Math.max(inputs[1]?.data[sample] as number, 0)
  },
}

const noneIgnored: Labelled = { ignores: false, steps: true }

export const categorical: readonly EveryLoss[] = [
  labelled('crossEntropy', 5, (row, y) => reference.crossEntropyOfIndex(row, y)),
  labelled(
    'crossEntropy with weight and labelSmoothing',
    7,
    (row, y) => reference.crossEntropyOfIndex(row, y, smoothing),
    { lossName: 'crossEntropy', options: smoothed },
  ),
  distributed('crossEntropy of probabilities', 6, (row, q) => reference.crossEntropyOfProbabilities(row, q)),
  distributed(
    'crossEntropy of probabilities with weight and labelSmoothing',
    7,
    (row, q) => reference.crossEntropyOfProbabilities(row, q, smoothing),
    smoothed,
  ),
  labelled('nll', 5, (row, y) => reference.nll(row, y), ofLabels),
  labelled('nll with weight', 7, (row, y) => reference.nll(row, y, { weight: CLASS_WEIGHTS }), {
    ...ofLabels,
    lossName: 'nll',
    options: { weight: Float32Array.from(CLASS_WEIGHTS) },
  }),
  labelled('softmaxFocal', 5, (row, y) => reference.softmaxFocal(row, y)),
  ...[0, 0.5, 1, 5].map(gamma =>
    labelled(
      `softmaxFocal with gamma ${gamma}`,
      6,
      (row, y) => reference.softmaxFocal(row, y, { alpha: 1, gamma }),
      { lossName: 'softmaxFocal', options: { alpha: 1, gamma } },
    ),
  ),
  labelled('poly1', 5, (row, y) => reference.poly1(row, y)),
  labelled('poly1 with epsilon', 6, (row, y) => reference.poly1(row, y, { epsilon: -0.5 }), {
    lossName: 'poly1',
    options: { epsilon: -0.5 },
  }),
  labelled('multiMargin', 5, (row, y) => reference.multiMargin(row, y), noneIgnored),
  labelled(
    'multiMargin with p, margin and weight',
    7,
    (row, y) => reference.multiMargin(row, y, { p: 2, margin: 1.5, weight: CLASS_WEIGHTS }),
    {
      ...noneIgnored,
      lossName: 'multiMargin',
      options: { p: 2, margin: 1.5, weight: Float32Array.from(CLASS_WEIGHTS) },
    },
  ),
  labelled('multiclassHinge', 5, (row, y) => reference.multiclassHinge(row, y), noneIgnored),
]
