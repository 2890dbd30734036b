import type { BindingArray } from '../../binding.js'
import { slots } from '../backend/binding.ts'
import type { Configuration } from '../configuration.ts'
import type { Definition } from '../definition.ts'
import { LosskitOptionError, LosskitShapeError } from '../errors.ts'
import type { Wanted } from '../outputs.ts'
import { showShape } from '../show.ts'
import { computeType, conform, requireFloat } from '../tensor/compute.ts'
import { dtypeOf, kindOf } from '../tensor/dtype.ts'
import { type Dense, readTensor } from '../tensor/read.ts'
import { sameShape } from '../tensor/shape.ts'
import { type Layout, layoutOf } from './axis.ts'
import { readClassWeights } from './class-weights.ts'
import type { Driver, Inputs } from './driver.ts'
import { asLabels, floatLabels, showLabels } from './labels.ts'
import { isLiteralOf, type PlainCheck, Plains } from './plain.ts'
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

function readLabels(
  loss: Definition,
  { weight, numbers }: Configuration,
  pred: Dense,
  target: Dense,
): Inputs {
  const labels = asLabels(loss, 'target', target)
  const layout = pred.shape === undefined ? split(loss, pred, labels) : rowsOf(loss, pred.shape, numbers)
  requireLabelPerRow(loss, pred, labels, layout)
  const { rows, classes, inner } = layout
  const compute = computeType([pred])
  return {
    tensors: [pred, labels],
    weight: readClassWeights(loss, weight, rows, classes, compute),
    rows,
    columns: classes,
    inner,
    hasLabels: true,
    compute,
  }
}

function readProbabilities(
  loss: Definition,
  { weight, ignores, numbers }: Configuration,
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
  const { rows, classes, inner, perRow } = rowsOf(loss, pred.shape, numbers)
  if (!sameSize || (target.shape !== undefined && !sameShape(target.shape, pred.shape))) {
    if (target.data.length === rows && (target.shape === undefined || sameShape(target.shape, perRow))) {
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
    inner,
    compute,
  }
}

function refuseProbabilities(loss: Definition, _: Configuration, _pred: Dense, target: Dense): never {
  throw floatLabels(loss, 'target', target)
}

/** Rows and classes of flat scores: there are as many rows as labels. */
function split(loss: Definition, pred: Dense, labels: Dense): Layout {
  const [length, rows] = [pred.data.length, labels.data.length]
  if (rows === 0 && length === 0) return { rows, classes: 0, inner: 1, perRow: [0] }
  if (rows === 0 || length === 0 || length % rows !== 0) {
    throw new LosskitShapeError(
      `${loss.name}: ${scoresOf(loss)} has ${length} elements, which is not a row of classes for each of ${rows} labels.`,
    )
  }
  return { rows, classes: length / rows, inner: 1, perRow: [rows] }
}

/** The slot of `inner` holds the axis of the classes until the inputs are read. */
function rowsOf(loss: Definition, shape: readonly number[], numbers: readonly number[]): Layout {
  return layoutOf(loss, shape, numbers[slots.inner] as number)
}

function requireLabelPerRow(loss: Definition, pred: Dense, labels: Dense, { rows, perRow }: Layout): void {
  const { shape } = labels
  const isPerRow =
    shape === undefined || sameShape(shape, perRow) || (perRow.length === 0 && sameShape(shape, [1]))
  if (labels.data.length === rows && isPerRow) return
  const hint = labels.data.length === pred.data.length ? ' Probabilities for every class must be floats.' : ''
  const where = perRow.length > 1 ? `, in shape ${showShape(perRow)}` : ''
  throw new LosskitShapeError(
    `${loss.name}: target has ${extent(labels)}, ${scoresOf(loss)} has ${extent(pred)}. There must be one label for each of ` +
      `${rows} rows${where}.${hint}`,
  )
}

/** What the scores are called. */
function scoresOf(loss: Definition): string {
  return loss.inputs[0] as string
}

const { rows: ROWS, columns: COLUMNS, inner: INNER, dtypes: DTYPES } = slots

function plain(loss: Definition, wanted: Wanted): PlainCheck {
  const plains = new Plains(loss, wanted, numbers => {
    numbers[INNER] = 1
  })
  return (pred, target) => {
    // What may run code of the caller's comes first: from where the frame is filled there must be none.
    let data = pred
    let shape: unknown
    if (isLiteralOf(pred, 'data', 'shape')) {
      data = pred.data
      shape = pred.shape
    }
    const kind = kindOf(data)
    const plain = plains.of(kind)
    const labelKind = kindOf(target)
    if (plain === undefined || labelKind === undefined) return undefined
    const label = dtypeOf(labelKind)
    if (label === undefined || label.isFloat) return undefined
    const rows = (target as Int32Array).length
    const { length } = data as Float32Array
    const classes = length / rows
    if (!Number.isInteger(classes) || classes === 0) return undefined
    if (shape !== undefined && !(Array.isArray(shape) && isMatrix(shape, rows, classes))) return undefined
    plain.first = data as BindingArray
    plain.length = length
    const { numbers } = plain
    numbers[DTYPES + 1] = label.code
    numbers[ROWS] = rows
    numbers[COLUMNS] = classes
    return plain
  }
}

function isMatrix(shape: readonly unknown[], rows: number, columns: number): boolean {
  return shape.length === 2 && shape[0] === rows && shape[1] === columns
}
