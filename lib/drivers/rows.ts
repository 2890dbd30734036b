import { slots } from '../backend/binding.ts'
import type { Configuration } from '../configuration.ts'
import type { Definition } from '../definition.ts'
import { LosskitOptionError, LosskitShapeError } from '../errors.ts'
import { showShape } from '../show.ts'
import { computeType, conform, requireFloat } from '../tensor/compute.ts'
import { type Dtype, dtypeOf, float32, float64, kindOf } from '../tensor/dtype.ts'
import { type Dense, readTensor } from '../tensor/read.ts'
import { sameShape } from '../tensor/shape.ts'
import type { Driver, Inputs, PlainCheck } from './driver.ts'
import { asLabels, floatLabels, showLabels } from './labels.ts'
import { extent } from './shapes.ts'

/** A row of class scores for each value, and the class that is right. */
export const labelledRows: Driver = {
  name: 'rows',
  weighs: 'classes',
  inPlace: true,
  read: readWith(refuseProbabilities),
  plain,
  labels: numbers => showLabels(numbers, slots.columns),
}

/** The same, where the target may instead give a probability for every class. */
export const rows: Driver = {
  name: 'rows',
  weighs: 'classes',
  inPlace: true,
  read: readWith(readProbabilities),
  plain,
  labels: numbers => showLabels(numbers, slots.columns),
}

type Reader = (loss: Definition, configuration: Configuration, pred: Dense, target: Dense) => Inputs

function readWith(readFloats: Reader): Driver['read'] {
  return (loss, configuration, given) => {
    const pred = readTensor(loss.name, scoresOf(loss), given[0])
    const target = readTensor(loss.name, 'target', given[1])
    requireFloat(loss.name, scoresOf(loss), pred)
    // Flat plain numbers are labels; probabilities for every class come as rows.
    const areLabels = !target.dtype.isFloat || (target.isPlain && target.shape === undefined)
    return (areLabels ? readLabels : readFloats)(loss, configuration, pred, target)
  }
}

function readLabels(loss: Definition, { weight }: Configuration, pred: Dense, target: Dense): Inputs {
  const labels = asLabels(loss, 'target', target)
  const [rows, classes] = pred.shape === undefined ? split(loss, pred, labels) : rowsOf(loss, pred.shape)
  requireLabelPerRow(loss, pred, labels, rows)
  const compute = computeType([pred])
  return {
    tensors: [pred, labels],
    weight: readClassWeights(loss, weight, rows, classes, compute),
    rows,
    columns: classes,
    inner: 1,
    hasLabels: true,
    compute,
  }
}

function readProbabilities(
  loss: Definition,
  { weight, ignores }: Configuration,
  pred: Dense,
  target: Dense,
): Inputs {
  const sameSize = target.data.length === pred.data.length
  if (pred.shape === undefined) {
    if (!sameSize) throw floatLabels(loss, 'target', target)
    throw new LosskitShapeError(
      `${loss.name}: ${scoresOf(loss)} and target are flat, which does not tell rows from classes. Give ${scoresOf(loss)} as ` +
        '{ data, shape: [rows, classes] }.',
    )
  }
  const [rows, classes] = rowsOf(loss, pred.shape)
  if (!sameSize || (target.shape !== undefined && !sameShape(target.shape, pred.shape))) {
    if (target.data.length === rows && (target.shape === undefined || sameShape(target.shape, [rows]))) {
      throw floatLabels(loss, 'target', target)
    }
    throw new LosskitShapeError(
      `${loss.name}: target has ${extent(target)}, ${scoresOf(loss)} has ${extent(pred)}. Probabilities must have the same shape.`,
    )
  }
  if (ignores) {
    throw new LosskitOptionError(
      `${loss.name}: ignoreIndex names a label, but the target holds probabilities. Leave it out, or give labels.`,
    )
  }
  const compute = computeType([pred, target])
  return {
    tensors: [
      conform(loss.name, scoresOf(loss), pred, compute),
      conform(loss.name, 'target', target, compute),
    ],
    weight: readClassWeights(loss, weight, rows, classes, compute),
    rows,
    columns: classes,
    inner: 1,
    compute,
  }
}

function refuseProbabilities(loss: Definition, _: Configuration, _pred: Dense, target: Dense): never {
  throw floatLabels(loss, 'target', target)
}

/** Rows and classes of flat scores: there are as many rows as labels. */
function split(loss: Definition, pred: Dense, labels: Dense): readonly [number, number] {
  const [length, rows] = [pred.data.length, labels.data.length]
  if (rows === 0 && length === 0) return [0, 0]
  if (rows === 0 || length === 0 || length % rows !== 0) {
    throw new LosskitShapeError(
      `${loss.name}: ${scoresOf(loss)} has ${length} elements, which is not a row of classes for each of ${rows} labels.`,
    )
  }
  return [rows, length / rows]
}

function rowsOf(loss: Definition, shape: readonly number[]): readonly [number, number] {
  const [rows, classes] = shape.length === 1 ? [1, shape[0]] : shape
  if (shape.length > 2 || rows === undefined || classes === undefined) {
    throw new LosskitShapeError(
      `${loss.name}: ${scoresOf(loss)} has shape ${showShape(shape)}. It must be [rows, classes], or [classes] for one row.`,
    )
  }
  if (classes === 0 && rows > 0) {
    throw new LosskitShapeError(
      `${loss.name}: ${scoresOf(loss)} has shape ${showShape(shape)}. A row must have at least one class.`,
    )
  }
  return [rows, classes]
}

function requireLabelPerRow(loss: Definition, pred: Dense, labels: Dense, rows: number): void {
  const { shape } = labels
  const isPerRow =
    shape === undefined || sameShape(shape, [rows]) || (shape.length === 0 && pred.shape?.length === 1)
  if (labels.data.length === rows && isPerRow) return
  const hint = labels.data.length === pred.data.length ? ' Probabilities for every class must be floats.' : ''
  throw new LosskitShapeError(
    `${loss.name}: target has ${extent(labels)}, ${scoresOf(loss)} has ${extent(pred)}. There must be one label for each of ` +
      `${rows} rows.${hint}`,
  )
}

function readClassWeights(
  loss: Definition,
  value: unknown,
  rows: number,
  classes: number,
  compute: Dtype,
): Dense | undefined {
  if (value === undefined) return undefined
  const weight = conform(loss.name, 'weight', readTensor(loss.name, 'weight', value), compute)
  // Scores that are empty and flat do not tell how many classes there are.
  if (rows === 0 && classes === 0) return undefined
  if (weight.data.length !== classes || (weight.shape !== undefined && weight.shape.length !== 1)) {
    throw new LosskitShapeError(
      `${loss.name}: weight has ${extent(weight)}. It must have one element for each of ${classes} classes.`,
    )
  }
  return weight
}

/** What the scores are called. */
function scoresOf(loss: Definition): string {
  return loss.inputs[0] as string
}

function plain(loss: Definition): PlainCheck {
  const of32 = plainNumbers(loss, float32)
  const of64 = plainNumbers(loss, float64)
  return (pred, target) => {
    const kind = kindOf(pred)
    const numbers = kind === 'Float32Array' ? of32 : kind === 'Float64Array' ? of64 : undefined
    const labelKind = kindOf(target)
    if (numbers === undefined || labelKind === undefined) return undefined
    const label = dtypeOf(labelKind)
    if (label === undefined || label.isFloat) return undefined
    const rows = (target as Int32Array).length
    const classes = (pred as Float32Array).length / rows
    if (!Number.isInteger(classes) || classes === 0) return undefined
    numbers[slots.dtypes + 1] = label.code
    numbers[slots.rows] = rows
    numbers[slots.columns] = classes
    return numbers
  }
}

function plainNumbers(loss: Definition, dtype: Dtype): number[] {
  const numbers = loss.defaults.slice()
  numbers[slots.dtypes] = dtype.code
  numbers[slots.inner] = 1
  return numbers
}
