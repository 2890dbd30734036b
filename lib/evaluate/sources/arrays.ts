import type { ColumnArray, Dtype } from '../source.ts'

type Kind = {
  new (length: number): ColumnArray
  new (buffer: ArrayBufferLike, offset: number, length: number): ColumnArray
  readonly BYTES_PER_ELEMENT: number
}

const kinds: Readonly<Record<Dtype, Kind>> = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
}

/** An array of zeros. */
export function arrayOf(dtype: Dtype, length: number): ColumnArray {
  return new kinds[dtype](length)
}

export function bytesOf(dtype: Dtype): number {
  return kinds[dtype].BYTES_PER_ELEMENT
}

/** Bytes as numbers: a view where they lie well in memory, a copy otherwise. */
export function viewOf(dtype: Dtype, bytes: Uint8Array, length: number): ColumnArray {
  const Kind = kinds[dtype]
  const { buffer, byteOffset } = bytes
  if (byteOffset % Kind.BYTES_PER_ELEMENT === 0) return new Kind(buffer, byteOffset, length)
  return new Kind(bytes.slice().buffer, 0, length)
}

const dtypes = new Map<unknown, Dtype>([
  [Float32Array, 'float32'],
  [Float64Array, 'float64'],
  [Int8Array, 'int8'],
  [Uint8Array, 'uint8'],
  [Int16Array, 'int16'],
  [Uint16Array, 'uint16'],
  [Int32Array, 'int32'],
  [Uint32Array, 'uint32'],
  [BigInt64Array, 'int64'],
])

/** What a typed array holds, where nothing else is said. */
export function dtypeOf(data: ColumnArray): Dtype {
  return dtypes.get(data.constructor) as Dtype
}
