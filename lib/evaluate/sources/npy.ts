import { DataError } from '../errors.ts'
import { shapeText, width } from '../source.ts'
import { type ArrayOptions, ArraySource, type StoredArray } from './array.ts'
import { type Bytes, bytesAt, fileBytes } from './bytes.ts'
import { type NpyDtype, npyDtype } from './npy-dtype.ts'
import { npyDataOffset, parseNpyHeader, prefixBytes } from './npy-header.ts'
import { openRegular } from './regular-file.ts'

/** Opens a .npy file. Its header is read and checked against the size of the file here, its values while iterating. */
export function openNpy(path: string, options: ArrayOptions = {}): Promise<ArraySource> {
  return openRegular(
    path,
    async (handle, size) => new ArraySource(await readNpy(path, fileBytes(handle), size), options),
  )
}

/** The array in `size` bytes of .npy, whose header is read here. */
export async function readNpy(name: string, bytes: Bytes, size: number): Promise<StoredArray> {
  const prefix = await bytesAt(bytes, 0, prefixBytes)
  const header = parseNpyHeader(name, await bytesAt(bytes, 0, npyDataOffset(name, prefix)))
  const dtype = npyDtype(name, header.descr)
  const { shape, dataOffset } = header
  checkSize(name, size - dataOffset, shape, dtype)
  checkLayout(name, shape, header.fortranOrder)
  const [rows = 0, ...rowShape] = shape
  const read: Bytes['read'] = (into, position) => bytes.read(into, dataOffset + position)
  const field = { name, dtype: dtype.dtype, rowShape }
  return { bytes: { read, close: () => bytes.close() }, dtype, rows, field }
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
  checkRows(path, shape)
  // With at most one dimension longer than 1 both orders are the same.
  if (fortranOrder && shape.filter(size => size > 1).length > 1) {
    throw new DataError(
      `${path}: is in Fortran order (column after column). Save it row after row: np.save(path, np.ascontiguousarray(array)).`,
    )
  }
}

/** Refuses arrays that have no rows of numbers. */
export function checkRows(name: string, shape: readonly number[]): void {
  const [rows, ...rowShape] = shape
  if (rows === undefined) {
    throw new DataError(`${name}: holds a single number. It takes an array with one row per sample.`)
  }
  if (rows > 0 && width(rowShape) === 0) {
    throw new DataError(`${name}: has shape ${shapeText(shape)}, so its rows hold nothing.`)
  }
}
