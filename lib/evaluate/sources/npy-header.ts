import { DataError } from '../errors.ts'
import { type Literal, LiteralError, parseLiteral } from './python-literal.ts'

/**
 * The header of a .npy file, versions 1.0 to 3.0 of NumPy's format: the magic string, two version bytes, the length of the
 * header and a Python dictionary with exactly three keys.
 */
export interface NpyHeader {
  readonly descr: string
  readonly fortranOrder: boolean
  readonly shape: readonly number[]
  /** Where the values begin. */
  readonly dataOffset: number
}

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]

/** Bytes before the dictionary, at most. */
export const prefixBytes = 12

/** Only structured dtypes, which are refused anyway, need more. NumPy's own reader stops at 10 000. */
const longestHeader = 65_536

export function isNpy(bytes: Uint8Array): boolean {
  return magic.every((byte, i) => bytes[i] === byte)
}

/** Number of bytes from the start of the file to its values, from the first `prefixBytes` of it. */
export function npyDataOffset(name: string, bytes: Uint8Array): number {
  if (!isNpy(bytes)) {
    throw new DataError(`${name}: is not a .npy file: it does not begin with NumPy's magic string.`)
  }
  const [major, minor] = [bytes[6], bytes[7]]
  const lengthBytes = major === 1 ? 2 : 4
  if (bytes.length < 8 + lengthBytes) throw headerError(name, 'the file ends inside it')
  if (minor !== 0 || (major !== 1 && major !== 2 && major !== 3)) {
    throw new DataError(
      `${name}: .npy format version ${major}.${minor} is unknown. Versions 1.0 to 3.0 can be read.`,
    )
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = lengthBytes === 2 ? view.getUint16(8, true) : view.getUint32(8, true)
  if (length > longestHeader)
    throw headerError(name, `it is ${length} bytes long, more than ${longestHeader}`)
  return 8 + lengthBytes + length
}

/** Reads a whole header; `bytes` reaches at least up to the values. */
export function parseNpyHeader(name: string, bytes: Uint8Array): NpyHeader {
  const dataOffset = npyDataOffset(name, bytes)
  if (bytes.length < dataOffset) throw headerError(name, 'the file ends inside it')
  const start = bytes[6] === 1 ? 10 : 12
  const encoding = bytes[6] === 3 ? 'utf8' : 'latin1'
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, dataOffset - start).toString(encoding)

  let literal: Literal
  try {
    literal = parseLiteral(text)
  } catch (error) {
    if (error instanceof LiteralError) throw headerError(name, error.message)
    throw error
  }
  if (!(literal instanceof Map)) throw headerError(name, 'it is not a dictionary')

  const keys = [...literal.keys()].sort().join(', ')
  if (keys !== 'descr, fortran_order, shape') {
    throw headerError(name, `its keys are ${keys || 'missing'} instead of descr, fortran_order, shape`)
  }
  const fortranOrder = literal.get('fortran_order')
  if (typeof fortranOrder !== 'boolean') throw headerError(name, 'fortran_order is neither True nor False')
  const descr = literal.get('descr')
  if (Array.isArray(descr)) {
    throw new DataError(
      `${name}: holds records with named fields. Save one field: np.save(path, array['field']).`,
    )
  }
  if (typeof descr !== 'string') throw headerError(name, 'descr is not a string')
  return { descr, fortranOrder, shape: shapeOf(name, literal.get('shape')), dataOffset }
}

function shapeOf(name: string, literal: Literal | undefined): readonly number[] {
  if (!Array.isArray(literal)) throw headerError(name, 'shape is not a tuple')
  const shape: number[] = []
  for (const size of literal) {
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
      throw headerError(name, 'shape holds something else than whole numbers from 0 to 2^53')
    }
    shape.push(size)
  }
  return shape
}

function headerError(name: string, what: string): DataError {
  return new DataError(`${name}: the .npy header cannot be read: ${what}.`)
}
