import { DataError } from '../errors.ts'
import type { ColumnArray, Dtype } from '../source.ts'

/** How the values of an array are stored, and as what they are handed on. */
export interface NpyDtype {
  readonly dtype: Dtype
  readonly bytes: number
  readonly bigEndian: boolean
  /** A typed array over `count` values at the start of `buffer`. */
  view(buffer: ArrayBuffer, count: number): ColumnArray
  /** Index of the first value that cannot be handed on, or -1. */
  refuse?: (data: ColumnArray) => number
  /** Why `refuse` refuses. */
  readonly refusal?: string
}

export type Kind = Omit<NpyDtype, 'bigEndian'>

/** By NumPy's codes. */
export const kinds: Readonly<Record<string, Kind>> = {
  f2: { dtype: 'float16', bytes: 2, view: (buffer, count) => new Uint16Array(buffer, 0, count) },
  f4: { dtype: 'float32', bytes: 4, view: (buffer, count) => new Float32Array(buffer, 0, count) },
  f8: { dtype: 'float64', bytes: 8, view: (buffer, count) => new Float64Array(buffer, 0, count) },
  i1: { dtype: 'int8', bytes: 1, view: (buffer, count) => new Int8Array(buffer, 0, count) },
  i2: { dtype: 'int16', bytes: 2, view: (buffer, count) => new Int16Array(buffer, 0, count) },
  i4: { dtype: 'int32', bytes: 4, view: (buffer, count) => new Int32Array(buffer, 0, count) },
  i8: { dtype: 'int64', bytes: 8, view: (buffer, count) => new BigInt64Array(buffer, 0, count) },
  u1: { dtype: 'uint8', bytes: 1, view: (buffer, count) => new Uint8Array(buffer, 0, count) },
  u2: { dtype: 'uint16', bytes: 2, view: (buffer, count) => new Uint16Array(buffer, 0, count) },
  u4: { dtype: 'uint32', bytes: 4, view: (buffer, count) => new Uint32Array(buffer, 0, count) },
  // Every uint64 below 2^63 has the bits of the same int64.
  u8: {
    dtype: 'int64',
    bytes: 8,
    view: (buffer, count) => new BigInt64Array(buffer, 0, count),
    refuse: data => (data as BigInt64Array).findIndex(value => value < 0n),
    refusal: 'a uint64 of 2^63 or more, which no loss takes',
  },
  b1: {
    dtype: 'uint8',
    bytes: 1,
    view: (buffer, count) => new Uint8Array(buffer, 0, count),
    refuse: data => (data as Uint8Array).findIndex(value => value > 1),
    refusal: 'a bool that is neither 0 nor 1',
  },
}

export function npyDtype(name: string, descr: string): NpyDtype {
  const [, order = '', code = ''] = /^([<>|=]?)(.*)$/s.exec(descr) ?? []
  const kind = Object.hasOwn(kinds, code) ? kinds[code] : undefined
  if (kind === undefined) {
    throw new DataError(
      `${name}: values of type '${descr}' cannot be read. It takes ${Object.keys(kinds).join(', ')}: ` +
        `save array.astype('float32') or another of these.`,
    )
  }
  // One byte has no order; several bytes whose order is left to the machine that wrote them could be either.
  if (kind.bytes > 1 && order !== '<' && order !== '>') {
    throw new DataError(
      `${name}: type '${descr}' does not say its byte order. '<${code}' or '>${code}' would.`,
    )
  }
  return { ...kind, bigEndian: order === '>' }
}
