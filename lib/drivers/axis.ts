import type { Definition } from '../definition.ts'
import { LosskitOptionError, LosskitShapeError } from '../errors.ts'
import { showShape } from '../show.ts'

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
  const perRow: number[] = []
  let rows = 1
  let inner = 1
  for (let i = 0; i < dimensions; i++) {
    if (i === at) continue
    const size = shape[i] as number
    perRow.push(size)
    rows *= size
    if (i > at) inner *= size
  }
  if (classes === 0 && rows > 0) {
    throw new LosskitShapeError(
      `${loss.name}: ${name} has shape ${showShape(shape)}. A row must have at least one class.`,
    )
  }
  return { rows, classes, inner: rows === 0 ? 1 : inner, perRow }
}
