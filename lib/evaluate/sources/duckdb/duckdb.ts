import type { DuckDBDataChunk } from '@duckdb/node-api'
import { DataError } from '../../errors.ts'
import { type Batch, type Field, type Source, width } from '../../source.ts'
import { GroupNames } from '../group-names.ts'
import { type Nulls, RowBuffer, withWeights } from '../row-buffer.ts'
import { type Choice, choose } from './choose.ts'
import { chunkColumn } from './chunk-column.ts'
import { ChunkGroups } from './chunk-groups.ts'
import { type Database, quoted } from './database.ts'
import { type Relation, rowsOfPart } from './relation.ts'

export interface TableOptions {
  /** Columns of each field, as `selectColumns` reads them. */
  readonly specs: readonly string[]
  readonly by?: string | undefined
  readonly nulls?: Nulls | undefined
  /** What DOUBLE becomes, where the user asks for it. */
  readonly dtype?: 'float32' | 'float64' | undefined
  readonly chunkRows?: number | undefined
  readonly range?: { readonly first: number; readonly end: number } | undefined
}

/** Numbers of the widest field in a batch, as a rule: what is copied together is still in the cache when it is used. */
const batchNumbers = 2 ** 17

/** Finds out what is to be read. The rows are read while iterating; `database` is closed then. */
export async function openTable(
  database: Database,
  relation: Relation,
  options: TableOptions,
): Promise<DuckDBSource> {
  return new DuckDBSource(database, relation, await choose(database, relation, options), options)
}

export class DuckDBSource implements Source {
  readonly fields: readonly Field[]
  readonly rows: number | undefined
  readonly split = 1
  readonly #database: Database
  readonly #relation: Relation
  readonly #choice: Choice
  readonly #options: TableOptions
  readonly #most: number
  #done = 0

  constructor(database: Database, relation: Relation, choice: Choice, options: TableOptions) {
    this.#database = database
    this.#relation = relation
    this.#choice = choice
    this.fields = withWeights(choice.fields, options.nulls)
    this.rows = relation.rows
    this.#options = options
    const widest = Math.max(...choice.fields.map(({ rowShape }) => width(rowShape)))
    this.#most = options.chunkRows ?? Math.ceil(batchNumbers / widest)
  }

  /** In rows: the bytes that DuckDB reads are its own affair. */
  get progress(): { done: number; total: number | undefined } {
    const { range } = this.#options
    return { done: this.#done, total: range === undefined ? this.rows : range.end - range.first }
  }

  async countRows(): Promise<number> {
    if (this.rows !== undefined) return this.rows
    let rows = 0
    for (const { name, from } of this.#relation.parts) {
      rows += Number((await this.#database.rows(name, `SELECT count(*) FROM ${from}`))[0]?.[0])
    }
    return rows
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    const { nulls } = this.#options
    const buffer = () =>
      new RowBuffer({ fields: this.#choice.fields, by: this.#choice.by, nulls, most: this.#most })
    const buffers = [buffer(), buffer()] as const
    const groups = new GroupNames()
    const reader = new ChunkGroups(groups)
    let turn: 0 | 1 = 0
    let into = buffers[turn]
    let firstRow = this.#options.range?.first ?? 0
    const emit = (): Batch | undefined => {
      const first = firstRow
      firstRow += into.rows
      this.#done += into.rows
      const batch = into.batch(first, groups.names, row => this.#locate(first + row))
      turn ^= 1
      into = buffers[turn as 0 | 1]
      into.rows = 0
      return batch
    }
    try {
      for await (const chunk of this.#chunks()) {
        const start = firstRow + into.rows
        const columns = this.#columns(chunk, start)
        const ids = this.#choice.by === undefined ? undefined : this.#groups(reader, chunk)
        for (let from = 0; from < chunk.rowCount; ) {
          const rows = Math.min(chunk.rowCount - from, this.#most - into.rows)
          into.reserve(rows)
          for (const { field, copy } of columns) {
            copy.copy(from, from + rows, into.data[field] as never, into.rows, row => into.miss(row, field))
          }
          if (ids !== undefined) {
            into.ids?.set(ids.ids.subarray(from, from + rows), into.rows)
            for (const row of ids.missing) {
              if (row >= from && row < from + rows)
                into.miss(into.rows + row - from, this.#choice.fields.length)
            }
          }
          into.rows += rows
          from += rows
          if (into.rows < this.#most) continue
          const batch = emit()
          if (batch !== undefined) yield batch
        }
      }
      const batch = emit()
      if (batch !== undefined) yield batch
    } finally {
      await this.close()
    }
  }

  async close(): Promise<void> {
    await this.#database.close()
  }

  async *#chunks(): AsyncGenerator<DuckDBDataChunk, void, undefined> {
    const expressions = this.#choice.picked.map(
      ({ name, stored }) => `CAST(${quoted(name)} AS ${stored.sql})`,
    )
    if (this.#choice.by !== undefined) expressions.push(`CAST(${quoted(this.#choice.by)} AS VARCHAR)`)
    for (const [name, from] of this.#froms()) {
      if (name !== this.#relation.parts[0]?.name) await this.#checkTypes(name, from)
      const result = await this.#database.stream(name, `SELECT ${expressions.join(', ')} FROM ${from}`)
      for (;;) {
        const chunk = await this.#database.wait(name, () => result.fetchChunk())
        if (chunk === null || chunk.rowCount === 0) break
        yield chunk
      }
    }
  }

  /** What is read, as it stands after FROM: all parts, or those that have rows of the range. */
  #froms(): readonly (readonly [string, string])[] {
    const { range } = this.#options
    let start = 0
    return this.#relation.parts.flatMap(part => {
      const { rows = 0 } = part
      const offset = start
      start += rows
      if (range === undefined) return [[part.name, part.from] as const]
      const [first, end] = [Math.max(0, range.first - offset), Math.min(rows, range.end - offset)]
      if (first >= end) return []
      return [[part.name, first === 0 && end === rows ? part.from : rowsOfPart(part, first, end)] as const]
    })
  }

  /** A cast would round without a word. */
  async #checkTypes(name: string, from: string): Promise<void> {
    const columns = await this.#database.describe(name, from)
    for (const { name: column, type } of this.#choice.picked) {
      const here = columns.get(column)
      if (here === type) continue
      const first = this.#relation.parts[0]?.name
      throw new DataError(
        here === undefined
          ? `${name}: there is no column "${column}", which ${first} has.`
          : `${name}: column "${column}" is of type ${here}, in ${first} of ${type}. Cast it in --sql.`,
      )
    }
  }

  #columns(chunk: DuckDBDataChunk, firstRow: number) {
    const { engine } = this.#database
    return this.#choice.picked.map(({ stored, place }, c) => {
      const complain = (row: number, numbers: number) =>
        new DataError(
          `${this.#choice.fields[place.field]?.name}: ${this.#locate(firstRow + row)} has ${numbers} numbers, ` +
            `the first list has ${stored.size}. Every row needs as many.`,
        )
      return { field: place.field, copy: chunkColumn(engine, chunk.chunk, c, stored, place, complain) }
    })
  }

  #groups(reader: ChunkGroups, chunk: DuckDBDataChunk) {
    const ids = new Int32Array(chunk.rowCount)
    const missing: number[] = []
    const miss = (row: number) => void missing.push(row)
    reader.read(this.#database.engine, chunk, this.#choice.picked.length, { ids, miss })
    return { ids, missing }
  }

  /** `row 17`; of several files also the one that it is in. */
  #locate(row: number): string {
    const { parts } = this.#relation
    if (parts.length === 1) return `row ${row}`
    let start = 0
    for (const { name, rows = 0 } of parts) {
      if (row < start + rows) return `row ${row} (row ${row - start} of ${name})`
      start += rows
    }
    return `row ${row}`
  }
}
