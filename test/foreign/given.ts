/** What is computed beside the other addon: losses with batches, and the results before that addon is loaded. */

import { DISCRIMINATORS } from '../support/every-loss/composed.ts'
import type { Range } from '../support/every-loss/entry.ts'
import { type Batch, EVERY_LOSS, type EveryLoss, type Tensor } from '../support/every-loss/index.ts'
import { withInput } from '../support/every-loss/tensors.ts'
import { FLOATS, floats } from '../support/floats.ts'
import type { AnyLoss } from '../support/losses.ts'
import { Random } from '../support/random.ts'
import { everyForm, everySample, type Given, now } from './forms.ts'

/** A batch with denormals among the numbers of its first input; a metric takes whole ones only. */
function withDenormals({ loss, ranges }: EveryLoss, { inputs, options }: Batch): Given {
  if (loss.grad === undefined) return { inputs, options }
  const { data } = inputs[0] as Tensor
  const least = data instanceof Float32Array ? 2 ** -149 : 2 ** -1074
  const sign = (ranges[0] as Range)[1] <= 0 ? -1 : 1
  const numbers = data.map((x, i) => (i % 5 === 0 ? sign * least * (1 + i) : x))
  return { inputs: withInput(inputs, 0, numbers), options }
}

const tried = (title: string, loss: AnyLoss, given: Given) => ({
  title,
  loss,
  given,
  reduced: everyForm(loss, given),
  samples: everySample(loss, given),
})

/** Losses that the kernels compute from end to end, in batches of a few samples and of more than a vector. */
export const kernelLosses = EVERY_LOSS.flatMap(entry =>
  FLOATS.flatMap(type =>
    [3, 40].map(samples => {
      const batch = entry.batch(new Random(samples), Math.min(samples, entry.atMost), type)
      const title = `${entry.name} of ${samples} samples in ${type}`
      return tried(title, entry.loss, withDenormals(entry, batch))
    }),
  ),
)

/** Losses of which JavaScript computes the last step, the sum of two means. */
export const discriminators = FLOATS.flatMap(type =>
  DISCRIMINATORS.map(({ name, loss, options, next }) => {
    const random = new Random(5)
    const inputs = [30, 20].map(count => ({
      data: floats(
        type,
        random.list(count, () => next(random)),
      ),
      shape: [count],
    }))
    return tried(`${name} in ${type}`, loss, { inputs, options })
  }),
)

/** Work that pays for several threads, and takes longer than handing it over. */
export const sharedLosses = FLOATS.flatMap(type => {
  const random = new Random(7)
  const numbers = floats(type, [2 ** -149, 2 ** -1074, ...random.list(9_998, () => random.normal())])
  const tensor = (...shape: number[]): Tensor => {
    const data = floats(type, new Array(shape.reduce((a, b) => a * b)).fill(0))
    return { data: data.map((_, i) => numbers[(i * shape.length) % numbers.length] as number), shape }
  }
  // An engine that rounds otherwise reads another number in the text of the default, 0.07.
  const temperature = { temperature: 0.07 }
  const labels = { data: Int32Array.from({ length: 2000 }, (_, i) => i % 200), shape: [2000] }
  const calls: [EveryLoss['name'], Tensor[]][] = [
    ['mse', [tensor(500_000), tensor(500_000)]],
    ['crossEntropy', [tensor(2000, 200), labels]],
    ['infoNce', [tensor(300, 64), tensor(300, 64)]],
  ]
  return calls.map(([lossName, inputs]) => {
    const { loss } = EVERY_LOSS.find(entry => entry.name === lossName) as EveryLoss
    const given = { inputs, options: lossName === 'infoNce' ? temperature : {} }
    return { title: `${lossName} in ${type}`, lossName, loss, given, result: now(loss, given) }
  })
})
