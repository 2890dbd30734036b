import type { Definition } from '../definition.ts'
import { LosskitOptionError, LosskitShapeError } from '../errors.ts'
import { showShape } from '../show.ts'
import { sizeOf } from '../tensor/shape.ts'

/** How rows of class scores lie in a tensor. */
export interface Layout {
  readonly rows: number
  readonly classes: number
  /** Positions between two scores of a row. */
  readonly inner: number
  /** The shape of what has one number for each row. */
  readonly perRow: readonly number[]
}

/** The layout of scores of this shape whose classes go along `axis`; scores of one dimension are one row. */
export function layoutOf(loss: Definition, shape: readonly number[], axis: number): Layout {
  const name = loss.inputs[0]
  const [first] = shape
  if (first === undefined) {
    throw new LosskitShapeError(
      `${loss.name}: ${name} has shape ${showShape(shape)}. It must be [rows, classes], or [classes] for one row.`,
    )
  }
  const dimensions = shape.length
  const at = dimensions === 1 && axis === 1 ? 0 : axis < 0 ? axis + dimensions : axis
  const classes = shape[at]
  if (classes === undefined) {
    throw new LosskitOptionError(
      `${loss.name}: axis is ${axis}, but ${name} has shape ${showShape(shape)}. It must be from ${-dimensions} to ` +
        `${dimensions - 1}.`,
    )
  }
  const perRow = shape.toSpliced(at, 1)
  const rows = sizeOf(perRow)
  if (classes === 0 && rows > 0) {
    throw new LosskitShapeError(
      `${loss.name}: ${name} has shape ${showShape(shape)}. A row must have at least one class.`,
    )
  }
  return { rows, classes, inner: rows === 0 ? 1 : sizeOf(shape.slice(at + 1)), perRow }
}
