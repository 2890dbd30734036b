import { floats } from '../floats.ts'
import type { Options } from '../losses.ts'
import * as reference from '../reference/index.ts'
import { ANYWHERE, type Batch, type EveryLoss, type GradientTruth, LOG_CHANCES, TYPICAL } from './entry.ts'
import { find, gather, scaled } from './samplewise.ts'

const STEPS = 7
const CLASSES = 4
const LABELS = 3

/** The samples of a batch, [steps][classes] each, with the labels of their lengths. */
function sequencesOf({ inputs }: Batch): { logs: number[][]; labels: number[] }[] {
  const [logProbs, targets, inputLengths, targetLengths] = inputs.map(({ data }) => data)
  const samples = inputs[0]?.shape[1] as number
  return Array.from({ length: samples }, (_, n) => ({
    logs: Array.from({ length: inputLengths?.[n] as number }, (_, t) =>
      Array.from(
        (logProbs as Float64Array).subarray((t * samples + n) * CLASSES, (t * samples + n + 1) * CLASSES),
      ),
    ),
    labels: Array.from(
      (targets as Int32Array).subarray(n * LABELS, n * LABELS + (targetLengths?.[n] as number)),
    ),
  }))
}

/** The numbers of a sample, [steps, classes], in their places in [steps, samples, classes]. */
function placed(samples: readonly (readonly number[])[]): number[] {
  const all = new Array<number>(STEPS * samples.length * CLASSES).fill(0)
  samples.forEach((numbers, n) => {
    numbers.forEach((number, i) => {
      all[(Math.floor(i / CLASSES) * samples.length + n) * CLASSES + (i % CLASSES)] = number
    })
  })
  return all
}

function ctc(name: string, options: Options): EveryLoss {
  const truth: EveryLoss['truth'] = (batch, type, upstream) => {
    const sequences = sequencesOf(batch)
    const results = sequences.map(({ logs, labels }) => reference.ctc(logs, labels, options))
    const all = gather(
      results.map(({ value }, n): reference.Sample => {
        const { logs, labels } = sequences[n] as (typeof sequences)[number]
        return {
          value,
          length: Math.max(labels.length, 1),
          // Every step adds a rounded logarithm.
          size: logs.length * (1 + (Number.isFinite(value) ? Math.abs(value) : 0)),
          grads: [],
        }
      }),
      [],
      type,
    )
    const logProbs: GradientTruth = {
      values: placed(results.map(({ grad }) => grad)),
      scale: placed(results.map(({ size }) => size)),
      slack: placed(results.map(({ size, value }) => size.map(s => 2 ** -49 * s * (1 + STEPS * value)))),
    }
    const samples = sequences.length
    return {
      ...all,
      grads: {
        logProbs:
          upstream === undefined
            ? logProbs
            : scaled(logProbs, i => upstream[Math.floor(i / CLASSES) % samples] as number),
      },
    }
  }
  return {
    ...TYPICAL,
    name,
    lossName: 'ctc',
    loss: find('ctc'),
    places: { logProbs: 0 },
    axes: [1, 0, 0, 0],
    ranges: [LOG_CHANCES, ANYWHERE, ANYWHERE, ANYWHERE],
    // Which scores a value depends on is up to the labels.
    reads: undefined,
    // The gradient is that of the logits under a log-softmax.
    differences: { step: Number.NaN, tolerance: Number.NaN },
    truth,
    batch(random, samples, type) {
      const rows = Array.from(
        { length: STEPS * samples },
        () => reference.softmax(random.list(CLASSES, () => 2 * random.normal())).logs,
      )
      const others = [0, 1, 2, 3].filter(c => c !== (options.blank ?? 0))
      const inputs = [
        { data: floats(type, rows.flat()), shape: [STEPS, samples, CLASSES] },
        {
          data: Int32Array.from({ length: samples * LABELS }, () => random.pick(others)),
          shape: [samples, LABELS],
        },
        // Three labels fit into five steps, equal ones too.
        { data: Int32Array.from({ length: samples }, () => 5 + random.integer(3)), shape: [samples] },
        { data: Int32Array.from({ length: samples }, () => random.integer(LABELS + 1)), shape: [samples] },
      ]
      return { ...truth({ inputs, options } as unknown as Batch, type), inputs, options }
    },
  }
}

export const sequences: readonly EveryLoss[] = [ctc('ctc', {}), ctc('ctc with blank', { blank: 2 })]
