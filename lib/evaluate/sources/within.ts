import { type Batch, rowNumber, type Source } from '../source.ts'

/** The rows of `source` from `first` on and before `end`, for sources that can only be read from the beginning. */
export function within(
  source: Source,
  { first, end }: { readonly first: number; readonly end: number },
): Source {
  return {
    fields: source.fields,
    // Of the whole source, for checks against its partners.
    rows: source.rows,
    split: source.split,
    get progress() {
      return source.progress
    },
    [Symbol.asyncIterator]: () => batches(source, first * source.split, end * source.split),
    close: () => source.close(),
  }
}

async function* batches(source: Source, first: number, end: number): AsyncGenerator<Batch, void, undefined> {
  if (first >= end) return
  for await (const batch of source) {
    const from = rowsBefore(batch, first)
    const to = rowsBefore(batch, end)
    if (from < to) yield part(batch, from, to)
    // Reading on would overwrite the last batch while it is in use.
    if (rowNumber(batch, batch.rows - 1) + 1 >= end) return
  }
}

/** How many rows of a batch have numbers below `limit`. */
function rowsBefore(batch: Batch, limit: number): number {
  if (batch.rowNumbers === undefined) return Math.max(0, Math.min(batch.rows, limit - batch.firstRow))
  const found = batch.rowNumbers.findIndex(number => number >= limit)
  return found < 0 ? batch.rows : found
}

function part(batch: Batch, from: number, to: number): Batch {
  const rows = to - from
  const columns = batch.columns.map(({ data, dtype, shape: [, ...rowShape] }) => {
    const numbers = data.length / batch.rows
    return { data: data.subarray(from * numbers, to * numbers), dtype, shape: [rows, ...rowShape] }
  })
  const groups = batch.groups && { ...batch.groups, ids: batch.groups.ids.subarray(from, to) }
  return {
    columns,
    rows,
    firstRow: rowNumber(batch, from),
    ...(batch.rowNumbers && { rowNumbers: batch.rowNumbers.subarray(from, to) }),
    locate: (row, column) => batch.locate(from + row, column),
    ...(groups && { groups }),
  }
}
