import type { DataChunk, Vector } from '@duckdb/node-bindings'
import type { Engine } from '../../../duckdb/engine.ts'
import { isSet, readMask } from '../../../duckdb/vectors.ts'
import type { ColumnArray, Dtype } from '../../source.ts'
import { bytesOf, viewOf } from '../arrays.ts'
import type { Stored } from './types.ts'

/** Where the numbers of a column go: a row of `width` numbers of a field, from `offset` on in it. */
export interface Place {
  readonly field: number
  readonly offset: number
  readonly width: number
}

/** What a row has that is not what all rows must have. */
export type Complaint = (row: number, numbers: number) => Error

/** The values of one column in one chunk, copied out of DuckDB once. */
export interface ChunkColumn {
  /** Rows `from` to `end` into `to`, whose row `at` is the first of them. `miss` is called for those without a value. */
  copy(from: number, end: number, to: ColumnArray, at: number, miss: (row: number) => void): void
}

export function chunkColumn(
  engine: Engine,
  chunk: DataChunk,
  column: number,
  stored: Stored,
  place: Place,
  complain: Complaint,
): ChunkColumn {
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

/** A number for each row: all of a field, or one of several columns beside each other. */
class Numbers implements ChunkColumn {
  readonly #data: ColumnArray
  readonly #mask: Uint8Array | undefined
  readonly #place: Place

  constructor(data: ColumnArray, mask: Uint8Array | undefined, place: Place) {
    this.#data = data
    this.#mask = mask
    this.#place = place
  }

  copy(from: number, end: number, to: ColumnArray, at: number, miss: (row: number) => void): void {
    const { width, offset } = this.#place
    // Both sides are of one kind, which the compiler cannot see.
    const [source, target] = [this.#data, to] as [Float64Array, Float64Array]
    if (width === 1) target.set(source.subarray(from, end), at)
    else {
      for (let row = from, i = at * width + offset; row < end; row++, i += width) {
        target[i] = source[row] as number
      }
    }
    missing(this.#mask, from, end, row => miss(at + row - from))
  }
}

/** `size` numbers for each row, which begin where `start` says. */
class Rows implements ChunkColumn {
  readonly #data: ColumnArray
  readonly #mask: Uint8Array | undefined
  readonly #inner: Uint8Array | undefined
  readonly #size: number
  readonly #start: (row: number) => number

  constructor(
    data: ColumnArray,
    mask: Uint8Array | undefined,
    inner: Uint8Array | undefined,
    size: number,
    start: (row: number) => number,
  ) {
    this.#data = data
    this.#mask = mask
    this.#inner = inner
    this.#size = size
    this.#start = start
  }

  copy(from: number, end: number, to: ColumnArray, at: number, miss: (row: number) => void): void {
    const size = this.#size
    const [source, target] = [this.#data, to] as [Float64Array, Float64Array]
    for (let row = from; row < end; ) {
      if (this.#mask !== undefined && !isSet(this.#mask, row)) {
        miss(at + row++ - from)
        continue
      }
      // As a rule all rows lie one behind the other.
      const [first, begin] = [row, this.#start(row)]
      for (row++; row < end && (this.#mask === undefined || isSet(this.#mask, row)); row++) {
        if (this.#start(row) !== begin + (row - first) * size) break
      }
      const numbers = (row - first) * size
      target.set(source.subarray(begin, begin + numbers), (at + first - from) * size)
      missing(this.#inner, begin, begin + numbers, i => {
        miss(at + first - from + Math.floor((i - begin) / size))
      })
    }
  }
}

/** Calls `miss` for every bit from `from` to `end` that is not set. */
function missing(
  mask: Uint8Array | undefined,
  from: number,
  end: number,
  miss: (index: number) => void,
): void {
  if (mask === undefined) return
  for (let i = from; i < end; ) {
    if ((i & 7) === 0 && i + 8 <= end && mask[i >> 3] === 255) i += 8
    else {
      if (!isSet(mask, i)) miss(i)
      i++
    }
  }
}
