import { type Batch, type Field, width } from '../source.ts'
import type { ColumnPart } from './column-part.ts'
import type { GroupNames } from './group-names.ts'
import { type Nulls, RowBuffer } from './row-buffer.ts'

/** Some rows as they come from a reader. */
export interface Chunk {
  readonly rows: number
  readonly parts: readonly { readonly field: number; readonly values: ColumnPart }[]
  readonly groups?: ChunkGroups | undefined
}

export interface ChunkGroups {
  readonly ids: Int32Array
  /** Rows that belong to no group. */
  readonly missing: readonly number[]
}

export interface AssembleOptions {
  readonly fields: readonly Field[]
  readonly by: string | undefined
  readonly groups: GroupNames
  readonly nulls: Nulls | undefined
  readonly chunkRows: number | undefined
  readonly firstRow: number
  readonly locate: (row: number) => string
  readonly onRows: (rows: number) => void
}

/** Numbers of the widest field in a batch, as a rule: what is copied together is still in the cache when it is used. */
const batchNumbers = 2 ** 17

/** Makes batches of one size of chunks of any size, in arrays that are used again. */
export async function* assemble(
  chunks: AsyncIterable<Chunk>,
  { fields, by, groups, nulls, chunkRows, firstRow, locate, onRows }: AssembleOptions,
): AsyncGenerator<Batch, void, undefined> {
  const widest = Math.max(...fields.map(({ rowShape }) => width(rowShape)))
  const most = chunkRows ?? Math.ceil(batchNumbers / widest)
  const buffer = () => new RowBuffer({ fields, by, nulls, most })
  const buffers = [buffer(), buffer()] as const
  let into: RowBuffer = buffers[0]
  let next = firstRow
  const finish = (): Batch | undefined => {
    const first = next
    next += into.rows
    onRows(into.rows)
    const batch = into.batch(first, groups.names, row => locate(first + row))
    into = into === buffers[0] ? buffers[1] : buffers[0]
    into.rows = 0
    return batch
  }
  for await (const chunk of chunks) {
    for (let from = 0; from < chunk.rows; ) {
      const end = Math.min(chunk.rows, from + most - into.rows)
      add(chunk, from, end, into, fields.length)
      from = end
      if (into.rows < most) continue
      const batch = finish()
      if (batch !== undefined) yield batch
    }
  }
  const batch = finish()
  if (batch !== undefined) yield batch
}

function add({ parts, groups }: Chunk, from: number, end: number, into: RowBuffer, fields: number): void {
  into.reserve(end - from)
  for (const { field, values } of parts) {
    values.copy(from, end, into.data[field] as never, into.rows, row => into.miss(row, field))
  }
  if (groups !== undefined) {
    into.ids?.set(groups.ids.subarray(from, end), into.rows)
    for (const row of groups.missing) {
      if (row >= from && row < end) into.miss(into.rows + row - from, fields)
    }
  }
  into.rows += end - from
}
