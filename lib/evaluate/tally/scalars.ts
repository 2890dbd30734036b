import type { Arguments } from '../fit.ts'
import { bitsDecoder } from '../half.ts'
import type { Batch, Column } from '../source.ts'
import type { WorstRow } from './worst-rows.ts'

/** What there is to say about a row in single numbers. */
export function scalars(
  { pred, target }: Arguments,
  batch: Batch,
  row: number,
): Omit<WorstRow, 'row' | 'loss'> {
  const { rows, groups } = batch
  const isLabel = target.data.length === rows
  const width = pred.data.length / rows
  const best = width === 1 ? numberAt(pred, row) : isLabel ? indexOfLargest(pred, row, width) : undefined
  const group = groups?.names[groups.ids[row] as number]
  return {
    ...(best !== undefined && { pred: best }),
    ...(isLabel && { target: numberAt(target, row) }),
    ...(group !== undefined && { group }),
  }
}

function indexOfLargest(column: Column, row: number, width: number): number {
  let best = 0
  for (let c = 1; c < width; c++) {
    if (numberAt(column, row * width + c) > numberAt(column, row * width + best)) best = c
  }
  return best
}

function numberAt({ data, dtype }: Column, index: number): number {
  const value = Number(data[index])
  // One NaN for all, whose bits do not depend on where it came from.
  if (Number.isNaN(value)) return Number.NaN
  return bitsDecoder(dtype)?.(value) ?? value
}
