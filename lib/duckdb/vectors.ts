import type { DataChunk, Vector } from '@duckdb/node-bindings'
import type { FloatArray } from '../tensor/types.ts'
import type { Engine } from './engine.ts'

/** How a floating-point type lies in a vector. */
export interface FloatType {
  readonly bytes: 4 | 8
  of(buffer: ArrayBufferLike, offset: number, length: number): FloatArray
  make(length: number): FloatArray
}

export const FLOAT: FloatType = {
  bytes: 4,
  of: (buffer, offset, length) => new Float32Array(buffer, offset, length),
  make: length => new Float32Array(length),
}

export const DOUBLE: FloatType = {
  bytes: 8,
  of: (buffer, offset, length) => new Float64Array(buffer, offset, length),
  make: length => new Float64Array(length),
}

export function readFloats({ raw }: Engine, vector: Vector, rows: number, type: FloatType): FloatArray {
  const data = raw.vector_get_data(vector, rows * type.bytes)
  return type.of(data.buffer, data.byteOffset, rows)
}

export function columnsOf({ raw }: Engine, chunk: DataChunk): readonly Vector[] {
  const count = raw.data_chunk_get_column_count(chunk)
  return Array.from({ length: count }, (_, column) => raw.data_chunk_get_vector(chunk, column))
}

/** Whether all values are surely the same, from their bytes: each but the last equals the next. */
export function isConstant({ raw }: Engine, vector: Vector, rows: number, width: number): boolean {
  const data = raw.vector_get_data(vector, rows * width)
  const end = data.byteLength - width
  return Buffer.compare(data.subarray(0, end), data.subarray(width)) === 0
}

/** The rows in which no vector is NULL; undefined where that is all of them. A row that is NULL has garbage for a number. */
export function rowsPresent(
  engine: Engine,
  vectors: readonly Vector[],
  rows: number,
): Int32Array | undefined {
  const masks = vectors.flatMap(vector => readMask(engine, vector, rows) ?? [])
  if (masks.length === 0) return undefined
  const present = new Int32Array(rows)
  let count = 0
  for (let row = 0; row < rows; row++) {
    if (masks.every(mask => isSet(mask, row))) present[count++] = row
  }
  return count === rows ? undefined : present.subarray(0, count)
}

/** A bit for each row that is not NULL; undefined where none is. */
export function readMask({ raw }: Engine, vector: Vector, rows: number): Uint8Array | undefined {
  return raw.vector_get_validity(vector, maskBytes(rows)) ?? undefined
}

/** A bit for each row, in words of 64. */
function maskBytes(rows: number): number {
  return Math.ceil(rows / 64) * 8
}

export function isSet(mask: Uint8Array, row: number): boolean {
  return (((mask[row >> 3] as number) >> (row & 7)) & 1) === 1
}

export function gather(values: FloatArray, rows: Int32Array, type: FloatType): FloatArray {
  const gathered = type.make(rows.length)
  for (let i = 0; i < rows.length; i++) gathered[i] = values[rows[i] as number] as number
  return gathered
}

/** Writes what was computed for the rows that are present, all of them where none are named; NULL in the others. */
export function writeFloats(
  { raw }: Engine,
  output: Vector,
  values: FloatArray,
  rows: number,
  present: Int32Array | undefined,
  type: FloatType,
): void {
  let whole = values
  if (present !== undefined) {
    whole = type.make(rows)
    const mask = new Uint8Array(maskBytes(rows))
    for (let i = 0; i < present.length; i++) {
      const row = present[i] as number
      whole[row] = values[i] as number
      mask[row >> 3] = (mask[row >> 3] as number) | (1 << (row & 7))
    }
    raw.vector_ensure_validity_writable(output)
    raw.copy_data_to_vector_validity(output, 0, mask.buffer, 0, mask.byteLength)
  }
  raw.copy_data_to_vector(output, 0, whole.buffer as ArrayBuffer, whole.byteOffset, whole.byteLength)
}
