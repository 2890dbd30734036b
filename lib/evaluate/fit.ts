import { asItIs, type Convert, floatFor, isFloat, repeated, toFloat, toLabels } from './convert.ts'
import { DataError } from './errors.ts'
import { type Batch, type Column, type Field, fieldShape, type Source, width } from './source.ts'

/** What is known of a source before anything is read. */
export type Data = Pick<Source, 'fields' | 'rows'>

/** The arguments of a loss for one batch. */
export interface Arguments {
  readonly pred: Column
  readonly target: Column
  readonly weight: Column | undefined
}

/** Turns batches into arguments. Made once for a source, so that what does not fit is known before anything is read. */
export type Fit = (batch: Batch) => Arguments

/** For losses that compare number with number: pred and target of one shape, weights for numbers or rows. */
export function fitElements(source: Data): Fit {
  const [pred, target, weight] = fieldsOf(source)
  if (!sameRow(pred, target)) {
    throw new DataError(
      `${describe(pred, source)}, ${describe(target, source)}. A loss over elements takes a target for each prediction.`,
    )
  }
  const numbers = width(pred.rowShape)
  const perRow = weight !== undefined && width(weight.rowShape) === 1
  if (weight !== undefined && !perRow && !sameRow(pred, weight)) {
    throw new DataError(
      `${describe(weight, source)}, ${describe(pred, source)}. Give one weight for each row or for each prediction.`,
    )
  }
  // The arithmetic has the widest type among the inputs, so no input is rounded.
  const floats = [pred, target, weight].filter(field => field !== undefined && isFloat(field.dtype))
  const wide = floats.some(field => field?.dtype === 'float64') || floatFor(pred.dtype) === 'float64'
  const fitPred = asPrediction(pred, wide)
  const repeat = perRow && numbers > 1 ? repeated(numbers) : asItIs
  return batch => {
    const [a, b, w] = batch.columns as [Column, Column, Column?]
    const { data, dtype, shape } = fitPred(a, row => place(pred, batch, row, 0))
    const alike = (column: Column): Column => ({ ...column, shape })
    return {
      pred: { data, dtype, shape },
      target: alike(b),
      weight: w === undefined ? undefined : alike(repeat(w, row => place(pred, batch, row, 2))),
    }
  }
}

/** For losses over the classes of a row: pred of shape (rows, classes), target a label or a probability for each class. */
export function fitRows(source: Data): Fit {
  const [pred, target] = fieldsOf(source)
  if (pred.rowShape.length !== 1) {
    throw new DataError(
      `${describe(pred, source)}. A loss over classes takes predictions of shape (rows, classes).`,
    )
  }
  const classes = width(pred.rowShape)
  const isLabel = width(target.rowShape) === 1 && (classes > 1 || target.rowShape.length === 0)
  if (!isLabel && !sameRow(pred, target)) {
    throw new DataError(
      `${describe(target, source)}, ${describe(pred, source)}. ` +
        'A loss over classes takes one label for each row, or a probability for each class.',
    )
  }
  const wide = floatFor(pred.dtype) === 'float64' || (!isLabel && floatFor(target.dtype) === 'float64')
  const fitPred = asPrediction(pred, wide)
  const fitTarget = isLabel
    ? isFloat(target.dtype)
      ? toLabels()
      : asItIs
    : isFloat(target.dtype)
      ? asItIs
      : toFloat(wide ? 'float64' : 'float32')
  return batch => {
    const [a, b] = batch.columns as [Column, Column]
    const fitted = fitTarget(b, row => place(target, batch, row, 1))
    return {
      pred: fitPred(a, row => place(pred, batch, row, 0)),
      target: isLabel ? { ...fitted, shape: [batch.rows] } : fitted,
      weight: undefined,
    }
  }
}

/** Half precision stays as it is, as its storage type, where nothing wider stands beside it. */
function asPrediction(pred: Field, wide: boolean): Convert {
  if (wide) return toFloat('float64')
  return isFloat(pred.dtype) ? asItIs : toFloat('float32')
}

/** Where a value is written, for a message: `data.csv, column "score": line 7`. */
export function place(field: Field, batch: Batch, row: number, column: number): string {
  return `${field.name}: ${batch.locate(row, column)}`
}

function fieldsOf(source: Data): readonly [Field, Field, Field?] {
  return source.fields as readonly Field[] as readonly [Field, Field, Field?]
}

/** A row of shape (1,) is a number. */
function sameRow(a: Field, b: Field): boolean {
  const [x, y] = [a, b].map(({ rowShape }) => rowShape.filter(size => size !== 1).join())
  return x === y
}

function describe(field: Field, source: Data): string {
  return `${field.name} has shape ${fieldShape(field, source.rows)}`
}
