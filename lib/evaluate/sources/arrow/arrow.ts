import { type FileHandle, open } from 'node:fs/promises'
import type { RecordBatch, RecordBatchReader, Schema } from 'apache-arrow'
import { DataError, EvaluateError, fileError } from '../../errors.ts'
import { peer } from '../../peer.ts'
import type { Batch, Field, Source } from '../../source.ts'
import { assemble, type Chunk } from '../assemble.ts'
import { columnText, selectColumn, selectColumns } from '../columns.ts'
import { GroupNames } from '../group-names.ts'
import { type Nulls, withWeights } from '../row-buffer.ts'
import { type Stored, storedAs } from './arrow-type.ts'
import { firstLength, numbersOf } from './numbers.ts'
import { readGroups } from './text.ts'

export interface ArrowOptions {
  /** Columns of each field, as `selectColumns` reads them. */
  readonly specs: readonly string[]
  readonly by?: string | undefined
  readonly nulls?: Nulls | undefined
  readonly chunkRows?: number | undefined
}

interface Picked {
  readonly column: number
  readonly stored: Stored
  readonly place: { readonly field: number; readonly offset: number; readonly width: number }
}

/** Opens an Arrow file or stream: its schema is read here, its record batches one by one while iterating. */
export async function openArrow(path: string, options: ArrowOptions): Promise<ArrowSource> {
  const { RecordBatchReader } = await peer<typeof import('apache-arrow')>('apache-arrow', 'Arrow files')
  let handle: FileHandle | undefined
  try {
    handle = await open(path)
    const reader = await RecordBatchReader.from(handle)
    await reader.open()
    // The length of lists is known from their first row alone.
    const { value: first } = await (reader as AsyncIterator<RecordBatch>).next()
    return new ArrowSource(path, handle, reader as RecordBatchReader, first, options)
  } catch (error) {
    await handle?.close()
    throw arrowError(path, error)
  }
}

export class ArrowSource implements Source {
  readonly fields: readonly Field[]
  /** The batches tell their rows one by one. */
  readonly rows = undefined
  readonly split = 1
  readonly #path: string
  readonly #handle: FileHandle
  readonly #reader: RecordBatchReader
  readonly #first: RecordBatch | undefined
  readonly #options: ArrowOptions
  readonly #given: readonly Field[]
  readonly #picked: readonly Picked[]
  readonly #by: number | undefined
  readonly #groups = new GroupNames()
  #done = 0

  constructor(
    path: string,
    handle: FileHandle,
    reader: RecordBatchReader,
    first: RecordBatch | undefined,
    options: ArrowOptions,
  ) {
    this.#path = path
    this.#handle = handle
    this.#reader = reader
    this.#first = first
    this.#options = options
    const names = reader.schema.fields.map(({ name }) => name)
    const chosen = options.specs.map((spec, field) => choose(path, reader.schema, first, spec, field))
    this.#given = chosen.map(({ field }) => field)
    this.#picked = chosen.flatMap(({ picked }) => picked)
    this.#by = options.by === undefined ? undefined : selectColumn(path, names, options.by)
    this.fields = withWeights(this.#given, options.nulls)
  }

  get progress(): { done: number; total: undefined } {
    return { done: this.#done, total: undefined }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    const { by, nulls, chunkRows } = this.#options
    try {
      yield* assemble(this.#chunks(), {
        fields: this.#given,
        by,
        groups: this.#groups,
        nulls,
        chunkRows,
        firstRow: 0,
        locate: row => `row ${row}`,
        onRows: rows => {
          this.#done += rows
        },
      })
    } catch (error) {
      throw arrowError(this.#path, error)
    } finally {
      await this.close()
    }
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }

  async *#batches(): AsyncGenerator<RecordBatch, void, undefined> {
    if (this.#first === undefined) return
    yield this.#first
    yield* this.#reader as AsyncIterable<RecordBatch>
  }

  async *#chunks(): AsyncGenerator<Chunk, void, undefined> {
    let firstRow = 0
    for await (const batch of this.#batches()) {
      const start = firstRow
      const groups =
        this.#by === undefined
          ? undefined
          : readGroups(columnAt(batch, this.#by), batch.numRows, this.#groups)
      const parts = this.#picked.map(({ column, stored, place }) => {
        const { name } = this.#given[place.field] as Field
        const where = (row: number) => `${name}: row ${start + row}`
        return { field: place.field, values: numbersOf(columnAt(batch, column), stored, place, where) }
      })
      yield { rows: batch.numRows, parts, groups }
      firstRow += batch.numRows
    }
  }
}

function columnAt(batch: RecordBatch, index: number) {
  const column = batch.getChildAt(index)
  if (column === null) throw new RangeError(`no column ${index}`)
  return column
}

/** Columns beside each other are the numbers of one row. */
function choose(path: string, schema: Schema, batch: RecordBatch | undefined, spec: string, field: number) {
  const names = schema.fields.map(({ name }) => name)
  const columns = selectColumns(path, names, spec)
  const name = `${path}, ${columnText(names, columns)}`
  const parts = columns.map(column => {
    const stored = storedAs(name, schema.fields[column]?.type)
    const isOpen = stored.kind === 'list' && batch !== undefined
    return { column, stored: isOpen ? { ...stored, size: firstLength(columnAt(batch, column)) } : stored }
  })
  if (parts.some(({ stored }) => stored.size === 0)) throw new DataError(`${name}: the first list is empty.`)
  const [first] = parts
  if (first === undefined) throw new RangeError('no columns')
  if (parts.length > 1 && parts.some(({ stored }) => stored.size !== undefined)) {
    throw new DataError(`${name}: lists cannot stand beside other columns. Give one column of lists.`)
  }
  if (parts.some(({ stored }) => stored.dtype !== first.stored.dtype)) {
    throw new DataError(`${name}: are of different types. The numbers of one row take one type.`)
  }
  const width = first.stored.size ?? parts.length
  const picked = parts.map((part, offset): Picked => ({ ...part, place: { field, offset, width } }))
  const rowShape = parts.length === 1 && first.stored.size === undefined ? [] : [width]
  return { field: { name, dtype: first.stored.dtype, rowShape }, picked }
}

/** Whatever the reader stumbles over in a damaged file is about the file. */
function arrowError(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof EvaluateError) return error
  if ('syscall' in error) return fileError(path, error)
  if ('code' in error) return error
  const hint = /compress|codec/i.test(error.message)
    ? ` Write it without compression: feather.write_feather(table, path, compression='uncompressed').`
    : ''
  const isStumble = error instanceof TypeError || error instanceof RangeError
  const text = isStumble
    ? 'its structure is broken, or it is cut short.'
    : error.message.replaceAll(/\s*\n\s*/g, ' ').replace(/\.?$/, '.')
  return new DataError(`${path}: is no Arrow file, or damaged: ${text}${hint}`, { cause: error })
}
