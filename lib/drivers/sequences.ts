import type { BindingArray } from '../../binding.js'
import { slots } from '../backend/binding.ts'
import { isDeviceTensor } from '../cuda/tensor.ts'
import type { Definition } from '../definition.ts'
import { LosskitOptionError, LosskitShapeError } from '../errors.ts'
import { computeType, conform, requireFloat } from '../tensor/compute.ts'
import { Dense, readTensor } from '../tensor/read.ts'
import type { Driver } from './driver.ts'
import { readLabels } from './labels.ts'
import { readSampleWeights } from './samples.ts'
import { extent } from './shapes.ts'

/** Log-probabilities of a number of steps for each sample, its label sequence, and how long both are. */
export const sequences: Driver = {
  name: 'sequences',
  weighs: 'values',
  inPlace: true,

  read(loss, { numbers, weight }, given) {
    const scores = readTensor(loss.name, loss.inputs[0] as string, given[0])
    requireFloat(loss.name, loss.inputs[0] as string, scores)
    const compute = computeType([scores])
    const [steps, samples, classes] = sizesOf(loss, scores)
    const [, targets, inputLengths, targetLengths] = loss.inputs.map((name, i) =>
      i === 0 ? scores : readLabels(loss, name, given[i]),
    ) as [Dense, Dense, Dense, Dense]
    requireLength(loss, 2, inputLengths, samples)
    requireLength(loss, 3, targetLengths, samples)
    const labels = layOut(loss, targets, targetLengths, samples)
    requireBlank(loss, numbers, classes, samples)
    return {
      tensors: [
        conform(loss.name, loss.inputs[0] as string, scores, compute),
        labels,
        inputLengths,
        targetLengths,
      ],
      weight: readSampleWeights(loss, weight, [samples], compute),
      rows: samples,
      columns: classes,
      others: steps,
      inner: samples === 0 ? 0 : labels.data.length / samples,
      compute,
    }
  },

  labels(numbers) {
    const last = (numbers[slots.columns] as number) - 1
    return `A label must be from 0 to ${last}, and not the blank, which is ${numbers[slots.params]}.`
  },
}

/** [steps, samples, classes] */
function sizesOf(loss: Definition, { shape, data }: Dense): readonly [number, number, number] {
  if (shape?.length === 3) return shape as [number, number, number]
  if (shape?.length === 2) return [shape[0] as number, 1, shape[1] as number]
  const given =
    shape === undefined ? `is flat, with ${data.length} elements` : `has ${extent({ shape, data } as Dense)}`
  throw new LosskitShapeError(
    `${loss.name}: ${loss.inputs[0]} ${given}. It must be { data, shape: [steps, samples, classes] }, or [steps, classes] for ` +
      'one sample.',
  )
}

function requireLength(loss: Definition, input: number, lengths: Dense, samples: number): void {
  if (lengths.data.length === samples) return
  throw new LosskitShapeError(
    `${loss.name}: ${loss.inputs[input]} has ${lengths.data.length} elements. It must have one for each of ${samples} samples.`,
  )
}

/** Labels as [samples, longest]: as they are given, or laid out so where they come one sequence after the other. */
function layOut(loss: Definition, targets: Dense, lengths: Dense, samples: number): Dense {
  const { shape, data } = targets
  if (shape?.length === 2 && shape[0] === samples) return targets
  if (isDeviceTensor(data) || isDeviceTensor(lengths.data)) {
    throw new LosskitShapeError(
      `${loss.name}: ${loss.inputs[1]} has ${extent(targets)}. On a device it must be [samples, longest], with ${samples} samples.`,
    )
  }
  const given = Array.from(lengths.data as Int32Array, Number)
  const total = given.reduce((sum, length) => sum + Math.max(length, 0), 0)
  if ((shape === undefined || shape.length === 1) && data.length === total) {
    return laidOut(data, targets, given)
  }
  throw new LosskitShapeError(
    `${loss.name}: ${loss.inputs[1]} has ${extent(targets)}. It must be { data, shape: [samples, longest] } with ${samples} ` +
      `samples, or all sequences one after the other, which are ${total} labels.`,
  )
}

function laidOut(data: BindingArray, { dtype, kind }: Dense, lengths: readonly number[]): Dense {
  const longest = lengths.reduce((a, b) => Math.max(a, b), 0)
  const Class = data.constructor as new (length: number) => BindingArray
  const rows = new Class(lengths.length * longest)
  let from = 0
  lengths.forEach((length, sample) => {
    if (length <= 0) return
    rows.set(data.subarray(from, from + length) as never, sample * longest)
    from += length
  })
  return new Dense(rows, dtype, [lengths.length, longest], kind)
}

function requireBlank(loss: Definition, numbers: readonly number[], classes: number, samples: number): void {
  const blank = numbers[slots.params] as number
  if (blank < classes || samples === 0) return
  throw new LosskitOptionError(
    `${loss.name}: blank is ${blank}, but there are ${classes} classes. It must be from 0 to ${classes - 1}.`,
  )
}
