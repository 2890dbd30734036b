import type { Batch, Source } from '../source.ts'

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
    const from = Math.max(0, first - batch.firstRow)
    const to = Math.min(batch.rows, end - batch.firstRow)
    if (from < to) yield part(batch, from, to)
    // Reading on would overwrite the last batch while it is in use.
    if (batch.firstRow + batch.rows >= end) return
  }
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
    firstRow: batch.firstRow + from,
    locate: (row, column) => batch.locate(from + row, column),
    ...(groups && { groups }),
  }
}
