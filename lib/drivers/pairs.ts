import type { Configuration } from '../configuration.ts'
import type { Definition } from '../definition.ts'
import { LosskitShapeError } from '../errors.ts'
import { showShape } from '../show.ts'
import type { Dense } from '../tensor/read.ts'
import { sameShape, sizeOf } from '../tensor/shape.ts'
import type { Driver, Inputs } from './driver.ts'
import { readInputs } from './inputs.ts'
import { readSampleWeights } from './samples.ts'
import { extent, requireSameShape } from './shapes.ts'

/** Vectors that belong together, in the last dimension of each input, and perhaps a label for each row of them. */
export const pairs: Driver = {
  name: 'pairs',
  weighs: 'values',
  inPlace: true,

  read(loss, { weight }, given) {
    const { tensors, compute } = readInputs(loss, given)
    const vectors = loss.kernel.grads.length
    const first = tensors[0] as Dense
    for (let i = 1; i < vectors; i++) requireSameShape(loss, i, tensors[i] as Dense, first)
    const label = tensors[vectors]
    const batch = batchOf(loss, first, label)
    if (label !== undefined) requireLabels(loss, label, first, batch)
    return inputsOf(loss, tensors, batch, weight, compute)
  },
}

/** One vector for each sample: all dimensions after the first. */
export const samples: Driver = {
  name: 'pairs',
  weighs: 'values',
  inPlace: true,

  read(loss, { weight }, given) {
    const { tensors, compute } = readInputs(loss, given)
    const { shape } = tensors[0] as Dense
    const batch = shape === undefined || shape.length < 2 ? [1] : [shape[0] as number]
    return inputsOf(loss, tensors, batch, weight, compute)
  },
}

function inputsOf(
  loss: Definition,
  tensors: readonly Dense[],
  batch: readonly number[],
  weight: Configuration['weight'],
  compute: Inputs['compute'],
): Inputs {
  const rows = sizeOf(batch)
  const columns = rows === 0 ? 0 : (tensors[0] as Dense).data.length / rows
  if (columns === 0 && rows !== 0) {
    throw new LosskitShapeError(`${loss.name}: the vectors of ${loss.inputs[0]} have no numbers.`)
  }
  return {
    tensors,
    weight: readSampleWeights(loss, weight, batch, compute),
    rows,
    columns,
    compute,
  }
}

/** The dimensions before the last. Flat vectors have as many rows as there are labels; one where there are none. */
function batchOf(loss: Definition, first: Dense, label: Dense | undefined): readonly number[] {
  const { shape, data } = first
  if (shape !== undefined) return shape.length < 2 ? [1] : shape.slice(0, -1)
  if (label === undefined) return [1]
  const rows = label.data.length
  if (rows === 0 ? data.length === 0 : data.length % rows === 0) return [rows]
  throw new LosskitShapeError(
    `${loss.name}: ${loss.inputs[0]} has ${data.length} elements, which do not make ${rows} rows, one for each label. Give it ` +
      'as { data, shape: [rows, columns] }.',
  )
}

function requireLabels(loss: Definition, label: Dense, first: Dense, batch: readonly number[]): void {
  const fits = label.shape === undefined || sameShape(label.shape, batch)
  if (fits && label.data.length === sizeOf(batch)) return
  throw new LosskitShapeError(
    `${loss.name}: label has ${extent(label)}, ${loss.inputs[0]} has ${extent(first)}. There must be one label for each row: ` +
      `shape ${showShape(batch)}.`,
  )
}
