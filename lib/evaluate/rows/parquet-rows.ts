import { rename, rm } from 'node:fs/promises'
import type { DuckDBAppender, DuckDBConnection, DuckDBDataChunk, DuckDBValue } from '@duckdb/node-api'
import { FileError, fileError } from '../errors.ts'
import { peer } from '../peer.ts'
import { type Batch, rowNumber } from '../source.ts'
import type { RowLosses } from '../tally/row-losses.ts'
import { TemporaryFile, temporaryName } from '../temporary.ts'
import type { RowColumns, RowsFile } from './rows-file.ts'

type DuckDB = typeof import('@duckdb/node-api')

/** Rows in a chunk of DuckDB. */
const chunkRows = 2048

/**
 * DuckDB keeps the rows in a database on disk until all are there, and copies them to Parquet then: its writer takes a
 * query, and a query does not wait for rows to come.
 */
export async function openParquetRows(path: string, columns: RowColumns): Promise<RowsFile> {
  const duckdb = await peer<DuckDB>('@duckdb/node-api', 'Parquet files')
  // Finds out now whether the file can be written at all.
  const probe = await TemporaryFile.open(path)
  await probe.discard()
  const [database, parquet] = [temporaryName(path), temporaryName(path)]
  const table = await Table.open(duckdb, database, columns)
  const discard = async (): Promise<void> => {
    table.close()
    for (const file of [database, `${database}.wal`, parquet]) await rm(file, { force: true })
    await rm(`${database}.tmp`, { force: true, recursive: true })
  }
  return {
    write: (losses, batch) => attempt(path, async () => table.append(losses, batch)),
    async finish(signal) {
      await attempt(path, async () => {
        await table.copyTo(parquet, signal)
        signal?.throwIfAborted()
        await rename(parquet, path)
      })
      await discard()
    },
    discard,
  }
}

async function attempt(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof Error) || 'syscall' in error) throw fileError(path, error, 'written')
    throw new FileError(`${path}: cannot be written: ${error.message}`, { cause: error })
  }
}

interface Rows {
  readonly appender: DuckDBAppender
  /** Filled again and again. */
  readonly chunk: DuckDBDataChunk
}

/** The table of row numbers, groups by number, and losses; and that of the names of groups. */
class Table {
  readonly #duckdb: DuckDB
  readonly #columns: RowColumns
  readonly #connection: DuckDBConnection
  readonly #close: () => void
  #rows: Rows | undefined
  #names: readonly string[] = []
  #isOpen = true

  private constructor(duckdb: DuckDB, columns: RowColumns, connection: DuckDBConnection, close: () => void) {
    this.#duckdb = duckdb
    this.#columns = columns
    this.#connection = connection
    this.#close = close
  }

  static async open(duckdb: DuckDB, file: string, columns: RowColumns): Promise<Table> {
    const settings = { threads: '1', memory_limit: '100MB' }
    const instance = await duckdb.DuckDBInstance.create(file, settings)
    const connection = await instance.connect()
    return new Table(duckdb, columns, connection, () => {
      connection.closeSync()
      instance.closeSync()
    })
  }

  async append(losses: readonly RowLosses[], batch: Batch): Promise<void> {
    const { rows, groups: all } = batch
    const groups = this.#columns.by === undefined ? undefined : all
    const { appender, chunk } = await this.#open(losses)
    this.#names = groups?.names ?? []
    for (let start = 0; start < rows; start += chunkRows) {
      const end = Math.min(rows, start + chunkRows)
      chunk.reset()
      chunk.rowCount = end - start
      const columns = [
        BigInt64Array.from({ length: end - start }, (_, i) => BigInt(rowNumber(batch, start + i))),
        ...(groups === undefined ? [] : [groups.ids.subarray(start, end)]),
        ...losses.map(losses => withNulls(losses, start, end)),
      ]
      // It reads by index, which typed arrays have as well.
      for (const [c, values] of columns.entries()) {
        chunk.setColumnValues(c, values as unknown as DuckDBValue[])
      }
      appender.appendDataChunk(chunk)
    }
  }

  /** The first batch tells the types. */
  async #open(losses: readonly RowLosses[]): Promise<Rows> {
    if (this.#rows !== undefined) return this.#rows
    const { BIGINT, INTEGER, DOUBLE, FLOAT, DuckDBDataChunk } = this.#duckdb
    const { by, losses: names } = this.#columns
    const types = [
      BIGINT,
      ...(by === undefined ? [] : [INTEGER]),
      ...losses.map(({ values }) => (values instanceof Float64Array ? DOUBLE : FLOAT)),
    ]
    const columns = ['row', ...(by === undefined ? [] : ['group id']), ...names]
    const list = columns.map((name, i) => `${quoted(name)} ${types[i]}`)
    await this.#connection.run(`CREATE TABLE rows (${list.join(', ')})`)
    const appender = await this.#connection.createAppender('rows')
    this.#rows = { appender, chunk: DuckDBDataChunk.create(types, chunkRows) }
    return this.#rows
  }

  async copyTo(file: string, signal: AbortSignal | undefined): Promise<void> {
    this.#rows?.appender.closeSync()
    const { by, losses } = this.#columns
    await this.#connection.run('CREATE TABLE names (name VARCHAR)')
    const appender = await this.#connection.createAppender('names')
    for (const name of this.#names) {
      appender.appendVarchar(name)
      appender.endRow()
    }
    appender.closeSync()
    const group = `(SELECT list(name ORDER BY rowid) FROM names)["group id" + 1] AS ${quoted(by ?? '')}`
    const columns = ['row', ...(by === undefined ? [] : [group]), ...losses.map(quoted)]
    const stop = () => this.#connection.interrupt()
    signal?.addEventListener('abort', stop, { once: true })
    const target = `'${file.replaceAll("'", "''")}'`
    try {
      await this.#connection.run(
        `COPY (SELECT ${columns.join(', ')} FROM rows) TO ${target} (FORMAT parquet)`,
      )
    } finally {
      signal?.removeEventListener('abort', stop)
    }
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#close()
  }
}

function withNulls({ values, ignored }: RowLosses, start: number, end: number): ArrayLike<number | null> {
  const part = values.subarray(start, end)
  if (ignored === undefined) return part
  return Array.from(part, (value, i) => (ignored[start + i] === 1 ? null : value))
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
