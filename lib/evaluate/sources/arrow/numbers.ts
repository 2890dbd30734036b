import type { Data, DataType, Vector } from 'apache-arrow'
import { isSet } from '../../../duckdb/vectors.ts'
import { DataError } from '../../errors.ts'
import type { ColumnArray } from '../../source.ts'
import { type ColumnPart, Numbers, type Place, Rows } from '../column-part.ts'
import type { Stored } from './arrow-type.ts'

/** The numbers of a column in one record batch, which lie there as they are needed. */
export function numbersOf(
  column: Vector,
  { kind, size = 0 }: Stored,
  place: Place,
  where: (row: number) => string,
): ColumnPart {
  const data = dataOf(column)
  const mask = maskOf(data)
  if (kind === 'bits') return new Numbers(bits(data.values as Uint8Array, data.length), mask, place)
  if (kind === 'number') return new Numbers(checked(data.values, data.length, where), mask, place)
  const child = data.children[0] as Data
  const numbers = kind === 'fixed' ? data.length * size : (data.valueOffsets[data.length] as number)
  const values = checked(child.values, numbers, i => where(rowAt(data, kind === 'fixed', size, i)))
  const inner = maskOf(child)
  if (kind === 'fixed') return new Rows(values, mask, inner, size, row => row * size)
  const offsets = data.valueOffsets
  return new Rows(values, mask, inner, size, row => {
    const [begin, end] = [offsets[row] as number, offsets[row + 1] as number]
    if (end - begin === size) return begin
    throw new DataError(
      `${where(row)} has ${end - begin} number${end - begin === 1 ? '' : 's'}, the first list has ${size}. ` +
        'Every row needs as many.',
    )
  })
}

/** The length of the first list that is there. */
export function firstLength(column: Vector): number {
  const data = dataOf(column)
  const mask = maskOf(data)
  for (let row = 0; row < data.length; row++) {
    if (mask !== undefined && !isSet(mask, row)) continue
    return (data.valueOffsets[row + 1] as number) - (data.valueOffsets[row] as number)
  }
  return 1
}

/** A column of a record batch is in one piece. */
export function dataOf(column: Vector): Data<DataType> {
  const [data, ...more] = column.data
  if (data === undefined || more.length > 0) throw new RangeError('a column of a batch in pieces')
  return data
}

export function maskOf(data: Data): Uint8Array | undefined {
  return data.nullCount > 0 ? data.nullBitmap : undefined
}

function rowAt({ valueOffsets, length }: Data, isFixed: boolean, size: number, index: number): number {
  if (isFixed) return Math.floor(index / size)
  let row = 0
  while (row + 1 < length && (valueOffsets[row + 1] as number) <= index) row++
  return row
}

/** Arrays in Arrow are padded, and uint64 is read as the int64 with the same bits. */
function checked(values: unknown, length: number, where: (index: number) => string): ColumnArray {
  if (!(values instanceof BigUint64Array)) return (values as ColumnArray).subarray(0, length)
  const signed = new BigInt64Array(values.buffer, values.byteOffset, length)
  const refused = signed.findIndex(value => value < 0n)
  if (refused >= 0) {
    throw new DataError(`${where(refused)} holds a uint64 of 2^63 or more, which no loss takes.`)
  }
  return signed
}

function bits(packed: Uint8Array, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, row) => (isSet(packed, row) ? 1 : 0))
}
