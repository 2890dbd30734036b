import type { DataChunk, Vector } from '@duckdb/node-bindings'
import type { Engine } from '../../../duckdb/engine.ts'
import { readMask } from '../../../duckdb/vectors.ts'
import type { ColumnArray, Dtype } from '../../source.ts'
import { bytesOf, viewOf } from '../arrays.ts'
import { type ColumnPart, Numbers, type Place, Rows } from '../column-part.ts'
import type { Stored } from './types.ts'

/** What a row has that is not what all rows must have. */
export type Complaint = (row: number, numbers: number) => Error

export function chunkColumn(
  engine: Engine,
  chunk: DataChunk,
  column: number,
  stored: Stored,
  place: Place,
  complain: Complaint,
): ColumnPart {
  const { raw } = engine
  const rows = raw.data_chunk_get_size(chunk)
  const vector = raw.data_chunk_get_vector(chunk, column)
  const mask = readMask(engine, vector, rows)
  if (stored.kind === 'number') return new Numbers(read(engine, vector, stored.dtype, rows), mask, place)
  const { size = 0 } = stored
  if (stored.kind === 'array') {
    const child = raw.array_vector_get_child(vector)
    const inner = readMask(engine, child, rows * size)
    return new Rows(read(engine, child, stored.dtype, rows * size), mask, inner, size, row => row * size)
  }
  const entries = raw.vector_get_data(vector, rows * 16)
  const child = raw.list_vector_get_child(vector)
  const numbers = raw.list_vector_get_size(vector)
  const words = new Uint32Array(entries.buffer, entries.byteOffset, rows * 4)
  return new Rows(
    read(engine, child, stored.dtype, numbers),
    mask,
    readMask(engine, child, numbers),
    size,
    row => {
      // 64 bits each, of which a vector never needs the upper half.
      if (words[4 * row + 2] !== size) throw complain(row, words[4 * row + 2] as number)
      return words[4 * row] as number
    },
  )
}

function read({ raw }: Engine, vector: Vector, dtype: Dtype, length: number): ColumnArray {
  return viewOf(dtype, raw.vector_get_data(vector, length * bytesOf(dtype)), length)
}
