import type { LosskitDomainError, LosskitLabelError } from '../index.ts'
import { DataError } from './errors.ts'
import { type Arguments, type Data, place } from './fit.ts'
import { bitsDecoder } from './half.ts'
import type { Batch, Column } from './source.ts'

/**
 * A value that a loss refuses, named by its place in the file instead of its index in the batch. Any other error passes
 * through.
 */
export function located(error: unknown, { pred, target }: Arguments, batch: Batch, source: Data): unknown {
  if (isLabelError(error)) return at(error, error.row, 1, batch, source)
  if (!isDomainError(error)) return error
  const column = holds(pred, error) ? 0 : 1
  const numbers = (column === 0 ? pred : target).data.length / batch.rows
  return at(error, Math.floor(error.index / numbers), column, batch, source)
}

function at(error: Error, row: number, column: number, batch: Batch, source: Data): Error {
  const field = source.fields[column]
  if (field === undefined) return error
  const message = error.message.replace(/\[\d+\] is /, ' is ')
  return new DataError(`${place(field, batch, row, column)}: ${message}`, { cause: error })
}

function holds({ data, dtype }: Column, { index, value }: LosskitDomainError): boolean {
  const held = Number(data[index])
  return Object.is(bitsDecoder(dtype)?.(held) ?? held, value)
}

// By their codes: the command is bundled, and a bundle may hold classes of its own.
function isLabelError(error: unknown): error is LosskitLabelError {
  return error instanceof Error && 'code' in error && error.code === 'ERR_LABEL'
}

function isDomainError(error: unknown): error is LosskitDomainError {
  return error instanceof Error && 'code' in error && error.code === 'ERR_DOMAIN'
}
