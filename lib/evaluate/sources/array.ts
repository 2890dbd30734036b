import { endianness } from 'node:os'
import { DataError, fileError } from '../errors.ts'
import { type Batch, type Field, type Source, width } from '../source.ts'
import type { Bytes } from './bytes.ts'
import type { NpyDtype } from './npy-dtype.ts'
import type { Range } from './open.ts'

/** Bytes of a batch by default: a read costs far more than asking for it, and the values are still in the cache. */
export const batchBytes = 4 * 2 ** 20

/** A batch holds whole rows, so a single row must fit into memory. */
const longestRow = 2 ** 30

/** Numbers of one type, row after row. */
export interface StoredArray {
  readonly bytes: Bytes
  readonly dtype: NpyDtype
  readonly rows: number
  readonly field: Field
}

export interface ArrayOptions {
  readonly chunkRows?: number | undefined
  readonly range?: Range | undefined
}

/** An array that lies in a file as it lies in memory. */
export class ArraySource implements Source {
  readonly fields: readonly [Field]
  readonly rows: number
  readonly split: number
  readonly #array: StoredArray
  readonly #options: ArrayOptions
  #done = 0

  constructor(array: StoredArray, options: ArrayOptions = {}, split = 1) {
    this.fields = [array.field]
    this.rows = array.rows
    this.split = split
    this.#array = array
    this.#options = options
  }

  get rowBytes(): number {
    return width(this.fields[0].rowShape) * this.#array.dtype.bytes
  }

  get progress(): { done: number; total: number } {
    return { done: this.#done, total: this.rows * this.rowBytes }
  }

  /** The same numbers as rows of one, for losses that do not need whole rows. Use it instead of this source. */
  flat(): ArraySource {
    const numbers = width(this.fields[0].rowShape)
    const field: Field = { ...this.fields[0], rowShape: [] }
    const { range } = this.#options
    return new ArraySource(
      { ...this.#array, rows: this.rows * numbers, field },
      { range: range && { first: range.first * numbers, end: range.end * numbers } },
      numbers,
    )
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    const [{ name, rowShape }] = this.fields
    const numbers = width(rowShape)
    const { rowBytes } = this
    const { dtype, bytes } = this.#array
    const { chunkRows, range = { first: 0, end: this.rows } } = this.#options
    if (rowBytes > longestRow) {
      throw new DataError(
        `${name}: one row takes ${rowBytes} bytes, more than the ${longestRow} that are read at once.`,
      )
    }
    const most = chunkRows ?? Math.ceil(batchBytes / rowBytes)
    const chunk = Math.max(1, Math.min(most, this.rows, Math.floor(longestRow / rowBytes)))
    const buffers = [new ArrayBuffer(chunk * rowBytes), new ArrayBuffer(chunk * rowBytes)] as const
    const swap = dtype.bigEndian === (endianness() === 'LE') && dtype.bytes > 1
    try {
      const end = Math.min(this.rows, range.end)
      for (let firstRow = range.first, turn = 0; firstRow < end; firstRow += chunk, turn ^= 1) {
        const rows = Math.min(chunk, end - firstRow)
        const buffer = buffers[turn as 0 | 1]
        const part = Buffer.from(buffer, 0, rows * rowBytes)
        if ((await bytes.read(part, firstRow * rowBytes)) < part.length) {
          throw new DataError(`${name}: became shorter while it was read.`)
        }
        if (swap) swapBytes(part, dtype.bytes)
        const data = dtype.view(buffer, rows * numbers)
        const locate = (row: number) => `row ${Math.floor((firstRow + row) / this.split)}`
        const refused = dtype.refuse?.(data) ?? -1
        if (refused >= 0) {
          throw new DataError(`${name}: ${locate(Math.floor(refused / numbers))} holds ${dtype.refusal}.`)
        }
        this.#done = firstRow * rowBytes + part.length
        yield { columns: [{ data, dtype: dtype.dtype, shape: [rows, ...rowShape] }], rows, firstRow, locate }
      }
    } catch (error) {
      throw fileError(name, error)
    } finally {
      await this.close()
    }
  }

  close(): Promise<void> {
    return this.#array.bytes.close()
  }
}

function swapBytes(bytes: Buffer, size: number): void {
  if (size === 2) bytes.swap16()
  else if (size === 4) bytes.swap32()
  else bytes.swap64()
}
