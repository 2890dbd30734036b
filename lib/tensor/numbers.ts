import { LosskitDtypeError, LosskitLabelError, LosskitShapeError } from '../errors.ts'
import { show } from '../show.ts'

interface Numbers {
  readonly data: Float64Array
  readonly shape: readonly number[] | undefined
}

/** `number[]` has no shape, like a typed array; `number[][]` has rows and columns. */
export function readNumbers(loss: string, name: string, values: readonly unknown[]): Numbers {
  const first = values[0]
  if (!Array.isArray(first)) {
    const data = new Float64Array(values.length)
    fill(loss, name, data, 0, values)
    return { data, shape: undefined }
  }
  const columns = first.length
  const data = new Float64Array(values.length * columns)
  for (let i = 0; i < values.length; i++) {
    const row = values[i]
    if (!Array.isArray(row) || row.length !== columns) {
      const found = Array.isArray(row) ? `has ${row.length} numbers` : `is ${show(row)}`
      throw new LosskitShapeError(
        `${loss}: ${name}[${i}] ${found}, ${name}[0] has ${columns} numbers. All rows must have the same length.`,
      )
    }
    fill(loss, `${name}[${i}]`, data, i * columns, row)
  }
  return { data, shape: [values.length, columns] }
}

function fill(loss: string, name: string, data: Float64Array, at: number, values: readonly unknown[]): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (typeof value !== 'number') {
      throw new LosskitDtypeError(`${loss}: ${name}[${i}] is ${show(value)}. It must be a number.`)
    }
    data[at + i] = value
  }
}

/** Plain numbers as class labels. */
export function wholeNumbers(loss: string, name: string, values: Float64Array): Int32Array {
  const labels = Int32Array.from(values)
  for (let i = 0; i < labels.length; i++) {
    const label = values[i] as number
    if (labels[i] === label) continue
    if (!Number.isInteger(label)) {
      throw new LosskitDtypeError(`${loss}: ${name}[${i}] is ${label}. A class label must be a whole number.`)
    }
    throw new LosskitLabelError(
      `${loss}: ${name}[${i}] is ${label}, which no class has for a label.`,
      i,
      label,
    )
  }
  return labels
}
