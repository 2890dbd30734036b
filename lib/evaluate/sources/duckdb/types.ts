import { DataError } from '../../errors.ts'
import type { Dtype } from '../../source.ts'

/** A column of DuckDB: what its numbers are handed on as, and how rows of several lie in a vector. */
export interface Stored {
  readonly dtype: Dtype
  /** The type to ask for in SQL. */
  readonly sql: string
  readonly kind: 'number' | 'list' | 'array'
  /** Numbers in a row; of a list it is not known from its type. */
  readonly size: number | undefined
}

const numbers: Readonly<Record<string, readonly [Dtype, string]>> = {
  FLOAT: ['float32', 'FLOAT'],
  DOUBLE: ['float64', 'DOUBLE'],
  TINYINT: ['int8', 'TINYINT'],
  SMALLINT: ['int16', 'SMALLINT'],
  INTEGER: ['int32', 'INTEGER'],
  BIGINT: ['int64', 'BIGINT'],
  UTINYINT: ['uint8', 'UTINYINT'],
  USMALLINT: ['uint16', 'USMALLINT'],
  UINTEGER: ['uint32', 'UINTEGER'],
  // No loss takes more than 2^63; such a value is refused by DuckDB.
  UBIGINT: ['int64', 'BIGINT'],
  BOOLEAN: ['uint8', 'BOOLEAN'],
  // A column of nothing but NULL.
  '"NULL"': ['float64', 'DOUBLE'],
}

/** How to read a column of this type; `name` is for the message that refuses it. */
export function storedAs(name: string, type: string): Stored {
  const [, element, length] = /^(.*)\[(\d*)\]$/.exec(type) ?? []
  const [dtype, sql] = numberType(name, type, element ?? type)
  if (element === undefined) return { dtype, sql, kind: 'number', size: 1 }
  if (length === '') return { dtype, sql: `${sql}[]`, kind: 'list', size: undefined }
  return { dtype, sql: `${sql}[${length}]`, kind: 'array', size: Number(length) }
}

function numberType(name: string, type: string, element: string): readonly [Dtype, string] {
  if (element.startsWith('DECIMAL(')) return ['float64', 'DOUBLE']
  const found = Object.hasOwn(numbers, element) ? numbers[element] : undefined
  if (found !== undefined) return found
  const cast = /HUGEINT|VARCHAR|BIGNUM/.test(element)
    ? ' A cast in --sql makes it one that can: x::DOUBLE.'
    : ''
  throw new DataError(
    `${name}: is of type ${type}, which cannot be read. It takes numbers, BOOLEAN, or lists of them.${cast}`,
  )
}
