import type { DataType } from 'apache-arrow'
import { DataError } from '../../errors.ts'
import type { Dtype } from '../../source.ts'

/** A column of Arrow: what its numbers are handed on as. */
export interface Stored {
  readonly dtype: Dtype
  readonly kind: 'number' | 'bits' | 'fixed' | 'list'
  /** Numbers in a row, of lists. */
  readonly size: number | undefined
}

/** By how Arrow writes its types: the ids of its classes are not the same in all versions. */
const dtypes: Readonly<Record<string, Dtype>> = {
  Float16: 'float16',
  Float32: 'float32',
  Float64: 'float64',
  Int8: 'int8',
  Int16: 'int16',
  Int32: 'int32',
  Int64: 'int64',
  Uint8: 'uint8',
  Uint16: 'uint16',
  Uint32: 'uint32',
  // Every uint64 below 2^63 has the bits of the same int64.
  Uint64: 'int64',
}

/** How to read a column of this type; `name` is for the message that refuses it. */
export function storedAs(name: string, type: DataType | undefined): Stored {
  const text = String(type)
  const dtype = Object.hasOwn(dtypes, text) ? dtypes[text] : undefined
  if (dtype !== undefined) return { dtype, kind: 'number', size: undefined }
  if (text === 'Bool') return { dtype: 'uint8', kind: 'bits', size: undefined }
  const [, element = ''] = /^(?:FixedSizeList\[\d+\]|List)<(.*)>$/.exec(text) ?? []
  const inner = Object.hasOwn(dtypes, element) ? dtypes[element] : undefined
  if (inner !== undefined && text.startsWith('Fixed')) {
    return { dtype: inner, kind: 'fixed', size: (type as unknown as { listSize: number }).listSize }
  }
  if (inner !== undefined) return { dtype: inner, kind: 'list', size: 1 }
  throw new DataError(
    `${name}: is of type ${text}, which cannot be read. It takes numbers, Bool, or lists of numbers.`,
  )
}
