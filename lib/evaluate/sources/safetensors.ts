import { DataError } from '../errors.ts'
import { width } from '../source.ts'
import { type ArrayOptions, ArraySource } from './array.ts'
import { type Bytes, bytesAt, fileBytes } from './bytes.ts'
import { checkRows } from './npy.ts'
import { type Kind, kinds } from './npy-dtype.ts'
import { listing, openRegular } from './regular-file.ts'

/** As long as the format's own reader allows. */
const longestHeader = 100_000_000

const codes: Readonly<Record<string, string>> = {
  F64: 'f8',
  F32: 'f4',
  F16: 'f2',
  I64: 'i8',
  I32: 'i4',
  I16: 'i2',
  I8: 'i1',
  U64: 'u8',
  U32: 'u4',
  U16: 'u2',
  U8: 'u1',
  BOOL: 'b1',
}

const brain: Kind = {
  dtype: 'bfloat16',
  bytes: 2,
  view: (buffer, count) => new Uint16Array(buffer, 0, count),
}

interface Tensor {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly begin: number
  readonly end: number
}

/** Opens one tensor of a safetensors file: 8 bytes with the length of the header, the header as JSON, the values. */
export function openSafetensors(
  path: string,
  tensor: string,
  options: ArrayOptions = {},
): Promise<ArraySource> {
  return openRegular(path, async (handle, size) => {
    const { tensors, dataOffset } = await readHeader(path, fileBytes(handle), size)
    if (!Object.hasOwn(tensors, tensor) || tensor === '__metadata__') {
      const names = Object.keys(tensors).filter(name => name !== '__metadata__')
      throw new DataError(`${path}: there is no tensor "${tensor}". ${listing(names)}`)
    }
    const name = `${path}, tensor "${tensor}"`
    const { dtype, shape, begin, end } = tensorOf(name, tensors[tensor])
    const kind =
      dtype === 'BF16' ? brain : Object.hasOwn(codes, dtype) ? kinds[codes[dtype] as string] : undefined
    if (kind === undefined) {
      throw new DataError(
        `${name}: is of type ${JSON.stringify(dtype)}, which cannot be read. It takes ${Object.keys(codes).join(', ')} and BF16.`,
      )
    }
    checkRows(name, shape)
    const expected = width(shape) * kind.bytes
    if (end - begin !== expected) {
      throw new DataError(`${name}: its shape takes ${expected} bytes, the header gives it ${end - begin}.`)
    }
    if (dataOffset + end > size)
      throw new DataError(`${name}: is cut short: the file ends before its values do.`)
    const [rows = 0, ...rowShape] = shape
    const bytes = fileBytes(handle, dataOffset + begin)
    const field = { name, dtype: kind.dtype, rowShape }
    return new ArraySource({ bytes, dtype: { ...kind, bigEndian: false }, rows, field }, options)
  })
}

async function readHeader(path: string, bytes: Bytes, size: number) {
  const prefix = Buffer.from(await bytesAt(bytes, 0, 8))
  if (prefix.length < 8) throw damaged(path, 'the file is shorter than 8 bytes')
  const length = prefix.readBigUInt64LE()
  if (length > BigInt(longestHeader) || Number(length) > size - 8) {
    throw damaged(path, `it is ${length} bytes long, and the file ${size}`)
  }
  const text = Buffer.from(await bytesAt(bytes, 8, Number(length))).toString('utf8')
  let tensors: unknown
  try {
    tensors = JSON.parse(text)
  } catch (error) {
    // The parser's own message quotes what it found, which may be anything.
    throw damaged(path, 'it is not JSON', error)
  }
  if (!isObject(tensors)) throw damaged(path, 'it is not an object')
  return { tensors, dataOffset: 8 + Number(length) }
}

function tensorOf(name: string, value: unknown): Tensor {
  if (!isObject(value)) throw damaged(name, 'it is not an object')
  const { dtype, shape, data_offsets: offsets } = value
  if (typeof dtype !== 'string') throw damaged(name, 'dtype is not a string')
  if (!isSizes(shape)) throw damaged(name, 'shape is not a list of sizes')
  if (!isSizes(offsets) || offsets.length !== 2) throw damaged(name, 'data_offsets is not a pair of sizes')
  const [begin, end] = offsets as readonly [number, number]
  if (begin > end) throw damaged(name, 'data_offsets ends before it begins')
  return { dtype, shape, begin, end }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every(size => Number.isSafeInteger(size) && (size as number) >= 0)
}

function damaged(name: string, what: string, cause?: unknown): DataError {
  return new DataError(`${name}: the header of safetensors cannot be read: ${what}.`, { cause })
}
