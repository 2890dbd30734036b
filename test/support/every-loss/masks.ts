import { floats } from '../floats.ts'
import type { Options } from '../losses.ts'
import type { Random } from '../random.ts'
import * as reference from '../reference/index.ts'
import { ANYWHERE, type Batch, CHANCES, type EveryLoss, TYPICAL } from './entry.ts'
import { find, gather, type Samplewise, samplewise, scaled, withGrad, within } from './samplewise.ts'

const PIXELS = 21
const CLASSES = 4

const mask = (random: Random): number[] => random.list(PIXELS, () => random.integer(2))
const soft = (random: Random): number[] => random.list(PIXELS, () => random.uniform())

const images = (
  name: string,
  at: (p: number[], t: number[]) => reference.Sample,
  rest: Partial<Samplewise> = {},
): EveryLoss =>
  samplewise({
    name,
    fields: [within(CHANCES, withGrad('pred', 3, 7)), within(CHANCES, { shape: [3, 7], kind: 'float' })],
    next: random => [soft(random), random.integer(2) === 0 ? mask(random) : soft(random)],
    at: (p, t) => at(p as number[], t as number[]),
    ...rest,
  })

const tverskyOptions = { alpha: 0.25, beta: 2, smooth: 0.125 }

/** Numbers of which no two are near each other, nor near what is left of another to 1: sorted, they have no ties. */
const apart = (random: Random, count: number): number[] =>
  random.shuffle(Array.from({ length: count }, (_, k) => (k + 0.3) / count))

/** Logits whose errors are apart from each other and from 0, and a mask. */
function logits(random: Random, pixels = PIXELS): readonly number[][] {
  const target = random.list(pixels, () => random.integer(2))
  const margins = apart(random, pixels).map(x => 4 * x - 1.5)
  return [margins.map((m, i) => m * (2 * (target[i] as number) - 1)), target]
}

/** Probabilities [B, C, P]: within each class they are apart. */
function chances(random: Random, images: number): number[] {
  const classes = Array.from({ length: CLASSES }, () => apart(random, images * PIXELS))
  return Array.from({ length: images * CLASSES }, (_, row) => {
    const [image, c] = [Math.floor(row / CLASSES), row % CLASSES]
    return (classes[c] as number[]).slice(image * PIXELS, (image + 1) * PIXELS)
  }).flat()
}

const lovasz = { weighs: true, inPlace: false, steps: true }

/** A whole batch that is taken for one image. */
function pooled(
  name: string,
  options: Options,
  inputsOf: (random: Random, samples: number) => Pick<Batch, 'inputs'>['inputs'],
  at: (batch: Batch) => reference.Sample,
  refuses: boolean,
): EveryLoss {
  const truth: EveryLoss['truth'] = (batch, type, upstream) => {
    const all = gather([at(batch)], ['pred'], type)
    const [by = 1] = upstream ?? []
    return { ...all, grads: { pred: scaled(all.grads.pred as never, () => by) } }
  }
  return {
    ...TYPICAL,
    ...lovasz,
    name,
    lossName: name,
    loss: find(name),
    places: { pred: 0 },
    coupled: true,
    axes: [0, 0],
    ranges: name === 'lovaszHinge' ? [ANYWHERE, CHANCES] : [CHANCES, ANYWHERE],
    // One pixel of it moves at a time.
    atMost: 40,
    pools: true,
    refuses,
    reads: undefined,
    truth,
    batch(random, samples, type) {
      const inputs = inputsOf(random, samples).map(tensor =>
        tensor.data instanceof Int32Array ? tensor : { ...tensor, data: floats(type, tensor.data) },
      )
      const batch = { inputs, options } as unknown as Batch
      return { ...truth(batch, type), inputs, options }
    },
  }
}

const labels = (random: Random, count: number): number[] =>
  // The last class never occurs.
  random.list(count, () => (random.integer(6) === 0 ? -100 : random.integer(CLASSES - 1)))

export const masks: readonly EveryLoss[] = [
  images('maskIou', (p, t) => reference.maskIou(p, t)),
  images('maskIou with smooth', (p, t) => reference.maskIou(p, t, 0.5), {
    lossName: 'maskIou',
    options: { smooth: 0.5 },
  }),
  images('dice', (p, t) => reference.dice(p, t)),
  images('dice with smooth', (p, t) => reference.dice(p, t, 0.5), {
    lossName: 'dice',
    options: { smooth: 0.5 },
  }),
  images('tversky', (p, t) => reference.tversky(p, t)),
  images('tversky with alpha, beta and smooth', (p, t) => reference.tversky(p, t, tverskyOptions), {
    lossName: 'tversky',
    options: tverskyOptions,
  }),
  images('focalTversky', (p, t) => reference.focalTversky(p, t)),
  ...[0.5, 1, 2].map(gamma =>
    images(
      `focalTversky with gamma ${gamma}`,
      (p, t) => reference.focalTversky(p, t, { ...tverskyOptions, gamma }),
      { lossName: 'focalTversky', options: { ...tverskyOptions, gamma } },
    ),
  ),
  images('lovaszHinge per image', reference.lovaszHinge, {
    lossName: 'lovaszHinge',
    fields: [withGrad('pred', 3, 7), within(CHANCES, { shape: [3, 7], kind: 'float' })],
    options: { perImage: true },
    next: random => logits(random),
    refuses: true,
    ...lovasz,
  }),
  pooled(
    'lovaszHinge',
    {},
    (random, samples) => {
      const shape = [samples, 3, 7]
      return logits(random, samples * PIXELS).map(numbers => ({ data: floats('float64', numbers), shape }))
    },
    ({ inputs: [x, t] }) => reference.lovaszHinge(Array.from(x?.data ?? []), Array.from(t?.data ?? [])),
    true,
  ),
  samplewise({
    name: 'lovaszSoftmax per image',
    lossName: 'lovaszSoftmax',
    options: { perImage: true },
    fields: [within(CHANCES, withGrad('pred', CLASSES, 3, 7)), { shape: [3, 7], kind: 'int' }],
    next: random => [chances(random, 1), labels(random, PIXELS)],
    at: (p, t) => reference.lovaszSoftmax(p as number[], t as number[], CLASSES, 1),
    ...lovasz,
    // A pixel of an ignored label, or of a class that does not occur, is not read.
    reads: undefined,
  }),
  pooled(
    'lovaszSoftmax',
    {},
    (random, samples) => [
      {
        data: floats('float64', chances(random, samples)),
        shape: [samples, CLASSES, 3, 7],
      },
      { data: Int32Array.from(labels(random, samples * PIXELS)), shape: [samples, 3, 7] },
    ],
    ({ inputs: [p, t] }) =>
      reference.lovaszSoftmax(
        Array.from(p?.data ?? []),
        Array.from(t?.data ?? []),
        CLASSES,
        p?.shape[0] as number,
      ),
    false,
  ),
  samplewise({
    name: 'thresholdedIou',
    fields: [
      { shape: [3, 7], kind: 'float' },
      { shape: [3, 7], kind: 'float' },
    ],
    next(random) {
      const target = mask(random)
      return [target.map(t => (random.integer(8) === 0 ? 1 - t : t)), target]
    },
    at: (p, t) => reference.thresholdedIou(p as number[], t as number[]),
    refuses: true,
    inPlace: false,
    reads: undefined,
  }),
]
