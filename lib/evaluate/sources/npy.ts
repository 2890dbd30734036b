import { type FileHandle, open } from 'node:fs/promises'
import { endianness } from 'node:os'
import { DataError, fileError } from '../errors.ts'
import { type Batch, type Field, type Source, shapeText, width } from '../source.ts'
import { type NpyDtype, npyDtype } from './npy-dtype.ts'
import { npyDataOffset, parseNpyHeader, prefixBytes } from './npy-header.ts'

/** Bytes of a batch by default: a read costs far more than asking for it, and the values are still in the cache. */
export const batchBytes = 4 * 2 ** 20

/** A batch holds whole rows, so a single row must fit into memory. */
const longestRow = 2 ** 30

/** A longer read is split by the operating system anyway. */
const readBytes = 2 ** 30

/** Opens a .npy file. Its header is read and checked against the size of the file here, its values while iterating. */
export async function openNpy(path: string, chunkRows?: number): Promise<NpySource> {
  let handle: FileHandle | undefined
  try {
    handle = await open(path)
    const stat = await handle.stat()
    if (!stat.isFile())
      throw new DataError(`${path}: is not a regular file. A .npy file is read by position.`)
    const prefix = await readAt(handle, prefixBytes, 0)
    const header = parseNpyHeader(path, await readAt(handle, npyDataOffset(path, prefix), 0))
    const dtype = npyDtype(path, header.descr)
    const { shape, dataOffset } = header
    checkSize(path, stat.size - dataOffset, shape, dtype)
    checkLayout(path, shape, header.fortranOrder)
    const [rows = 0, ...rowShape] = shape
    if (rows > 0 && width(rowShape) === 0) {
      throw new DataError(`${path}: has shape ${shapeText(shape)}, so its rows hold nothing.`)
    }
    return new NpySource(
      handle,
      dtype,
      dataOffset,
      rows,
      { name: path, dtype: dtype.dtype, rowShape },
      chunkRows,
    )
  } catch (error) {
    await handle?.close()
    throw fileError(path, error)
  }
}

function checkSize(path: string, present: number, shape: readonly number[], dtype: NpyDtype): void {
  const expected = width(shape) * dtype.bytes
  if (present === expected) return
  const sizes = `shape ${shapeText(shape)} of ${dtype.dtype} takes ${expected} bytes, the file holds ${present}`
  throw new DataError(
    present < expected
      ? `${path}: is cut short: ${sizes}.`
      : `${path}: is longer than its header says: ${sizes}. Only one array per file can be read.`,
  )
}

function checkLayout(path: string, shape: readonly number[], fortranOrder: boolean): void {
  if (shape.length === 0) {
    throw new DataError(`${path}: holds a single number. It takes an array with one row per sample.`)
  }
  // With at most one dimension longer than 1 both orders are the same.
  if (fortranOrder && shape.filter(size => size > 1).length > 1) {
    throw new DataError(
      `${path}: is in Fortran order (column after column). Save it row after row: np.save(path, np.ascontiguousarray(array)).`,
    )
  }
}

/** Reads at most `length` bytes; fewer only at the end of the file. */
async function readAt(handle: FileHandle, length: number, position: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  return bytes.subarray(0, await readInto(handle, bytes, position))
}

async function readInto(handle: FileHandle, bytes: Uint8Array, position: number): Promise<number> {
  let done = 0
  while (done < bytes.length) {
    const length = Math.min(bytes.length - done, readBytes)
    const { bytesRead } = await handle.read(bytes, done, length, position + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return done
}

export class NpySource implements Source {
  readonly fields: readonly [Field]
  private done = 0
  private readonly handle: FileHandle
  private readonly dtype: NpyDtype
  private readonly dataOffset: number
  readonly rows: number
  private readonly chunkRows: number | undefined
  readonly split: number

  constructor(
    handle: FileHandle,
    dtype: NpyDtype,
    dataOffset: number,
    rows: number,
    field: Field,
    chunkRows: number | undefined,
    split = 1,
  ) {
    this.handle = handle
    this.dtype = dtype
    this.dataOffset = dataOffset
    this.rows = rows
    this.fields = [field]
    this.chunkRows = chunkRows
    this.split = split
  }

  get rowBytes(): number {
    return width(this.fields[0].rowShape) * this.dtype.bytes
  }

  get progress(): { done: number; total: number } {
    return { done: this.done, total: this.rows * this.rowBytes }
  }

  /** The same numbers as rows of one, for losses that do not need whole rows. Use it instead of this source. */
  flat(): NpySource {
    const numbers = width(this.fields[0].rowShape)
    const field: Field = { ...this.fields[0], rowShape: [] }
    return new NpySource(
      this.handle,
      this.dtype,
      this.dataOffset,
      this.rows * numbers,
      field,
      undefined,
      numbers,
    )
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    const [{ name, rowShape }] = this.fields
    const numbers = width(rowShape)
    const { rowBytes, dtype } = this
    if (rowBytes > longestRow) {
      throw new DataError(
        `${name}: one row takes ${rowBytes} bytes, more than the ${longestRow} that are read at once.`,
      )
    }
    const most = this.chunkRows ?? Math.ceil(batchBytes / rowBytes)
    const chunk = Math.max(1, Math.min(most, this.rows, Math.floor(longestRow / rowBytes)))
    const buffers = [new ArrayBuffer(chunk * rowBytes), new ArrayBuffer(chunk * rowBytes)] as const
    const swap = dtype.bigEndian === (endianness() === 'LE') && dtype.bytes > 1
    try {
      for (let firstRow = 0, turn = 0; firstRow < this.rows; firstRow += chunk, turn ^= 1) {
        const rows = Math.min(chunk, this.rows - firstRow)
        const buffer = buffers[turn as 0 | 1]
        const bytes = Buffer.from(buffer, 0, rows * rowBytes)
        const start = firstRow * rowBytes
        if ((await readInto(this.handle, bytes, this.dataOffset + start)) < bytes.length) {
          throw new DataError(`${name}: became shorter while it was read.`)
        }
        if (swap) swapBytes(bytes, dtype.bytes)
        const data = dtype.view(buffer, rows * numbers)
        const locate = (row: number) => `row ${Math.floor((firstRow + row) / this.split)}`
        const refused = dtype.refuse?.(data) ?? -1
        if (refused >= 0) {
          throw new DataError(`${name}: ${locate(Math.floor(refused / numbers))} holds ${dtype.refusal}.`)
        }
        this.done = start + bytes.length
        yield { columns: [{ data, dtype: dtype.dtype, shape: [rows, ...rowShape] }], rows, firstRow, locate }
      }
    } catch (error) {
      throw fileError(name, error)
    } finally {
      await this.close()
    }
  }

  async close(): Promise<void> {
    await this.handle.close()
  }
}

function swapBytes(bytes: Buffer, size: number): void {
  if (size === 2) bytes.swap16()
  else if (size === 4) bytes.swap32()
  else bytes.swap64()
}
