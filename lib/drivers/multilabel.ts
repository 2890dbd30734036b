import { slots } from '../backend/binding.ts'
import type { Definition } from '../definition.ts'
import { LosskitShapeError } from '../errors.ts'
import { showShape } from '../show.ts'
import { computeType, conform, requireFloat } from '../tensor/compute.ts'
import { type Dense, readTensor } from '../tensor/read.ts'
import { layoutOf } from './axis.ts'
import { readClassWeights } from './class-weights.ts'
import type { Driver } from './driver.ts'
import { asLabels } from './labels.ts'
import { requireSameShape } from './shapes.ts'

/** Rows of class scores, and for every class how right it is. */
export const multilabel: Driver = {
  name: 'multilabel',
  weighs: 'classes',
  inPlace: true,

  read(loss, { weight }, given) {
    const [pred, target] = readPair(loss, given)
    const compute = computeType([pred, target])
    const { rows, classes } = shapeOf(loss, pred, target)
    return {
      tensors: [conform(loss.name, 'pred', pred, compute), conform(loss.name, 'target', target, compute)],
      weight: readClassWeights(loss, weight, rows, classes, compute),
      rows,
      columns: classes,
      inner: 1,
      compute,
    }
  },
}

/** Rows of class scores, and for each a list of the right classes. */
export const multilabelLists: Driver = {
  name: 'multilabel',
  weighs: 'classes',
  inPlace: true,

  read(loss, _, given) {
    const [pred, target] = readPair(loss, given)
    const { rows, classes } = shapeOf(loss, pred, target)
    return {
      tensors: [pred, asLabels(loss, 'target', target)],
      rows,
      columns: classes,
      inner: 1,
      compute: computeType([pred]),
    }
  },

  labels: numbers =>
    `A class must be from 0 to ${(numbers[slots.columns] as number) - 1}; -1 ends a list that is shorter than its row.`,
}

function readPair(loss: Definition, given: readonly unknown[]): readonly [Dense, Dense] {
  const pred = readTensor(loss.name, 'pred', given[0])
  const target = readTensor(loss.name, 'target', given[1])
  requireFloat(loss.name, 'pred', pred)
  return [pred, target]
}

/** The shape of one is that of both; two flat arrays have none. */
function shapeOf(loss: Definition, pred: Dense, target: Dense): { rows: number; classes: number } {
  requireSameShape(loss, 1, target, pred)
  const shape = pred.shape ?? target.shape
  if (shape === undefined) {
    throw new LosskitShapeError(
      `${loss.name}: pred and target are flat, which does not tell rows from classes. Give pred as ` +
        '{ data, shape: [rows, classes] }.',
    )
  }
  if (shape.length > 2) {
    throw new LosskitShapeError(
      `${loss.name}: pred has shape ${showShape(shape)}. It must be [rows, classes], or [classes] for one row.`,
    )
  }
  return layoutOf(loss, shape, 1)
}
