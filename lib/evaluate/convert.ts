import { DataError } from './errors.ts'
import { bitsDecoder } from './half.ts'
import { Scratch } from './scratch.ts'
import type { Column, Dtype } from './source.ts'

/** Says where row `row` of the column at hand is written. */
export type Locate = (row: number) => string

/** Turns a column into what a loss takes. The result holds until the converter is used again. */
export type Convert = (column: Column, locate: Locate) => Column

export type Float = 'float32' | 'float64'

export const isFloat = (dtype: Dtype): boolean => dtype.includes('float')

export const asItIs: Convert = column => column

/** The narrowest float type that holds every value of `dtype`, but for int64, which is checked value by value. */
export function floatFor(dtype: Dtype): Float {
  return dtype === 'float64' || dtype === 'int32' || dtype === 'uint32' || dtype === 'int64'
    ? 'float64'
    : 'float32'
}

/** The same numbers in a wider type. Nothing is rounded: an integer that float64 does not hold is refused. */
export function toFloat(dtype: Float): Convert {
  const scratch = new Scratch<Float32Array | Float64Array>(dtype === 'float32' ? Float32Array : Float64Array)
  return (column, locate) => {
    const { data, shape } = column
    if (column.dtype === dtype) return column
    const numbers = scratch.take(data.length)
    const decode = bitsDecoder(column.dtype)
    if (decode !== undefined) {
      for (let i = 0; i < numbers.length; i++) numbers[i] = decode(data[i] as number)
    } else if (data instanceof BigInt64Array) {
      for (let i = 0; i < numbers.length; i++) {
        const value = data[i] as bigint
        numbers[i] = Number(value)
        if (BigInt(numbers[i] as number) !== value) {
          throw new DataError(
            `${locate(Math.floor((i * (shape[0] ?? 1)) / data.length))}: ${value} is too large for float64.`,
          )
        }
      }
    } else numbers.set(data)
    return { data: numbers, dtype, shape }
  }
}

/** Class labels that were stored as floats: whole numbers become int32, anything else is refused. */
export function toLabels(): Convert {
  const scratch = new Scratch<Int32Array>(Int32Array)
  return ({ data, dtype, shape }, locate) => {
    const labels = scratch.take(data.length)
    const decode = bitsDecoder(dtype)
    for (let i = 0; i < labels.length; i++) {
      const value = decode === undefined ? (data[i] as number) : decode(data[i] as number)
      labels[i] = value
      if (labels[i] !== value)
        throw new DataError(`${locate(i)}: ${value} is not a class label. Labels are whole numbers.`)
    }
    return { data: labels, dtype: 'int32', shape }
  }
}

/** One number per row, repeated for each of the `times` numbers of a row. */
export function repeated(times: number): Convert {
  const scratches = new Map<unknown, Scratch<Column['data']>>()
  return ({ data, dtype, shape }) => {
    const Kind = data.constructor as new (length: number) => Column['data']
    const scratch = scratches.get(Kind) ?? new Scratch<Column['data']>(Kind)
    scratches.set(Kind, scratch)
    const numbers = scratch.take(data.length * times)
    for (let row = 0; row < data.length; row++) {
      // Both sides are of one kind, which the compiler cannot see.
      ;(numbers as Float64Array).fill(data[row] as number, row * times, (row + 1) * times)
    }
    return { data: numbers, dtype, shape: [...shape.slice(0, 1), times] }
  }
}
