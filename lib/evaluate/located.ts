import type { LosskitDomainError, LosskitLabelError } from '../index.ts'
import type { LossName } from './catalogue.ts'
import { DataError } from './errors.ts'
import { type Arguments, place } from './fit.ts'
import type { Batch, Column, Source } from './source.ts'

/**
 * A value that a loss refuses, named by its place in the file instead of its place in the batch. Any other error passes
 * through.
 */
export function located(
  error: unknown,
  loss: LossName,
  { pred, target }: Arguments,
  batch: Batch,
  source: Source,
): unknown {
  const at = (row: number, column: number) => {
    const field = source.fields[column]
    return field === undefined ? '' : place(field, batch, row, column)
  }
  if (isLabelError(error)) {
    return new DataError(
      `${at(error.row, 1)}: ${loss}: the label ${error.label} names no class. There are ${pred.shape[1]} classes, from 0 on.`,
      { cause: error },
    )
  }
  if (isDomainError(error)) {
    const column = holds(pred, error) ? 0 : 1
    const row = Math.floor((error.index * batch.rows) / (column === 0 ? pred : target).data.length)
    return new DataError(
      `${at(row, column)}: ${loss}: ${column === 0 ? 'pred' : 'target'} is ${error.value}.`,
      { cause: error },
    )
  }
  return error
}

function holds(column: Column, { index, value }: LosskitDomainError): boolean {
  return Object.is(Number(column.data[index]), value)
}

// By their codes: the command is bundled, and a bundle may hold classes of its own.
function isLabelError(error: unknown): error is LosskitLabelError {
  return error instanceof Error && 'code' in error && error.code === 'ERR_LABEL'
}

function isDomainError(error: unknown): error is LosskitDomainError {
  return error instanceof Error && 'code' in error && error.code === 'ERR_DOMAIN'
}
