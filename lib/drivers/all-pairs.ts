import { slots } from '../backend/binding.ts'
import { type Definition, matmulOf } from '../definition.ts'
import { LosskitDtypeError, LosskitShapeError } from '../errors.ts'
import { computeType, conform, requireFloat } from '../tensor/compute.ts'
import { type Dtype, float64 } from '../tensor/dtype.ts'
import { type Dense, readTensor } from '../tensor/read.ts'
import type { Driver } from './driver.ts'
import { readInputs } from './inputs.ts'
import { readLabels, showLabels } from './labels.ts'
import { extent } from './shapes.ts'

/** Every gradient is made of all inputs, so none can be written over its own. */
const shared = { name: 'allPairs', inPlace: false } as const

/** Scores against scores: every one of the first meets every one of the second. */
export const scorePairs: Driver = {
  ...shared,
  weighs: undefined,

  read(loss, _, given) {
    const { tensors, compute } = readInputs(loss, given)
    const [first, second] = tensors as [Dense, Dense]
    return { tensors, rows: first.data.length, others: second.data.length, compute }
  },
}

/** Rows of vectors, the partner of each among the rows of another matrix, which may have more. */
export const partners: Driver = {
  ...shared,
  weighs: undefined,

  read(loss, _, given) {
    const { tensors, compute } = readInputs(loss, given)
    const [first, second] = tensors as [Dense, Dense]
    const [rows, columns] = vectorsOf(loss, 0, first)
    const [others, otherColumns] = vectorsOf(loss, 1, second)
    requireColumns(loss, first, columns, second, otherColumns)
    if (others < rows) {
      throw new LosskitShapeError(
        `${loss.name}: ${loss.inputs[1]} has ${others} rows, ${loss.inputs[0]} has ${rows}. It must have a row for each of them.`,
      )
    }
    return { tensors, rows, columns, others, compute }
  },
}

/** Rows of vectors against themselves, and a label for each that says which belong together. */
export const clusters: Driver = {
  ...shared,
  weighs: undefined,

  read(loss, _, given) {
    const vectors = readVectors(loss, 0, given[0])
    const compute = computeType([vectors])
    const labels = readLabels(loss, loss.inputs[1] as string, given[1])
    const [rows, columns] = vectorsOf(loss, 0, vectors)
    requireLabelPerRow(loss, 1, labels, rows)
    return {
      tensors: [conform(loss.name, loss.inputs[0] as string, vectors, compute), labels],
      rows,
      columns,
      others: rows,
      compute,
    }
  },
}

/** Rows of vectors against the vector of every class, and the class of each row. */
export const classVectors: Driver = {
  ...shared,
  weighs: 'classes',

  read(loss, { numbers, weight, extra }, given) {
    const floats = [readVectors(loss, 0, given[0]), readTensor(loss.name, loss.inputs[1] as string, given[1])]
    const compute = computeType(floats)
    refuseWide(loss, numbers, compute)
    const [input, classes] = floats.map((tensor, i) =>
      conform(loss.name, loss.inputs[i] as string, tensor, compute),
    ) as [Dense, Dense]
    requireType(loss, loss.inputs[1] as string, classes, input)
    const target = readLabels(loss, loss.inputs[2] as string, given[2])
    const [rows, columns] = vectorsOf(loss, 0, input)
    const [others, otherColumns] = vectorsOf(loss, 1, classes)
    requireColumns(loss, input, columns, classes, otherColumns)
    requireLabelPerRow(loss, 2, target, rows)
    const bias = extra === undefined ? [] : [readBias(loss, extra, others, input, compute)]
    return {
      tensors: [input, classes, target, ...bias],
      weight: weight === undefined ? undefined : readPerClass(loss, 'weight', weight, others, compute),
      rows,
      columns,
      others,
      hasLabels: true,
      compute,
    }
  },

  labels: numbers => showLabels(numbers, slots.others),
}

function refuseWide(loss: Definition, numbers: readonly number[], compute: Dtype): void {
  if (matmulOf(numbers) === 'exact' || compute !== float64) return
  throw new LosskitDtypeError(
    `${loss.name}: ${loss.inputs[0]} is float64. With matmul 'cublas' it must be float32, float16 or bfloat16.`,
  )
}

function readVectors(loss: Definition, input: number, value: unknown): Dense {
  const name = loss.inputs[input] as string
  const vectors = readTensor(loss.name, name, value)
  requireFloat(loss.name, name, vectors)
  return vectors
}

/** [rows, numbers in each] */
function vectorsOf(loss: Definition, input: number, { shape, data }: Dense): readonly [number, number] {
  const name = loss.inputs[input]
  if (shape === undefined && data.length === 0) return [0, 0]
  if (shape?.length !== 2) {
    const given =
      shape === undefined
        ? `is flat, with ${data.length} elements`
        : `has ${extent({ shape, data } as Dense)}`
    throw new LosskitShapeError(
      `${loss.name}: ${name} ${given}. It must be { data, shape: [rows, dimensions] }, or rows of numbers.`,
    )
  }
  const [rows, columns] = shape as [number, number]
  if (columns === 0 && rows > 0) {
    throw new LosskitShapeError(
      `${loss.name}: ${name} has ${extent({ shape, data } as Dense)}. A row must have at least one number.`,
    )
  }
  return [rows, columns]
}

function requireColumns(
  loss: Definition,
  first: Dense,
  columns: number,
  second: Dense,
  others: number,
): void {
  // What is empty and flat fits any rows.
  const fits = columns === others || first.data.length === 0 || second.data.length === 0
  if (fits) return
  throw new LosskitShapeError(
    `${loss.name}: ${loss.inputs[1]} has ${extent(second)}, ${loss.inputs[0]} has ${extent(first)}. Their rows must have the same ` +
      'length.',
  )
}

function requireLabelPerRow(loss: Definition, input: number, labels: Dense, rows: number): void {
  if (labels.data.length === rows && (labels.shape === undefined || labels.shape.length === 1)) return
  throw new LosskitShapeError(
    `${loss.name}: ${loss.inputs[input]} has ${extent(labels)}. There must be one label for each of ${rows} rows.`,
  )
}

function readBias(loss: Definition, value: unknown, classes: number, input: Dense, compute: Dtype): Dense {
  const bias = readPerClass(loss, 'bias', value, classes, compute)
  requireType(loss, 'bias', bias, input)
  return bias
}

function readPerClass(
  loss: Definition,
  name: string,
  value: unknown,
  classes: number,
  compute: Dtype,
): Dense {
  const tensor = conform(loss.name, name, readTensor(loss.name, name, value), compute)
  if (tensor.data.length === classes && (tensor.shape === undefined || tensor.shape.length === 1))
    return tensor
  throw new LosskitShapeError(
    `${loss.name}: ${name} has ${extent(tensor)}. It must have one element for each of ${classes} classes.`,
  )
}

/** What has a gradient must be of the type of the first input. */
function requireType(loss: Definition, name: string, tensor: Dense, first: Dense): void {
  if (tensor.dtype === first.dtype) return
  throw new LosskitDtypeError(
    `${loss.name}: ${name} is ${tensor.dtype.name}, ${loss.inputs[0]} is ${first.dtype.name}. Both must be of one type.`,
  )
}
