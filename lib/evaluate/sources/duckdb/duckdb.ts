import type { DuckDBDataChunk } from '@duckdb/node-api'
import { DataError } from '../../errors.ts'
import type { Batch, Field, Source } from '../../source.ts'
import { assemble, type Chunk } from '../assemble.ts'
import { GroupNames } from '../group-names.ts'
import { type Nulls, withWeights } from '../row-buffer.ts'
import { type Choice, choose } from './choose.ts'
import { chunkColumn } from './chunk-column.ts'
import { type Database, quoted } from './database.ts'
import { type Relation, rowsOfPart } from './relation.ts'
import { TextGroups } from './text-groups.ts'

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
  readonly #groups = new GroupNames()
  #done = 0

  constructor(database: Database, relation: Relation, choice: Choice, options: TableOptions) {
    this.#database = database
    this.#relation = relation
    this.#choice = choice
    this.fields = withWeights(choice.fields, options.nulls)
    this.rows = relation.rows
    this.#options = options
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
    const { nulls, chunkRows, range } = this.#options
    const { fields, by } = this.#choice
    try {
      yield* assemble(this.#chunks(), {
        fields,
        by,
        groups: this.#groups,
        nulls,
        chunkRows,
        firstRow: range?.first ?? 0,
        locate: row => this.#locate(row),
        onRows: rows => {
          this.#done += rows
        },
      })
    } finally {
      await this.close()
    }
  }

  async close(): Promise<void> {
    await this.#database.close()
  }

  async *#chunks(): AsyncGenerator<Chunk, void, undefined> {
    const reader = this.#choice.by === undefined ? undefined : new TextGroups(this.#groups)
    let row = this.#options.range?.first ?? 0
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
        const groups = reader?.read(this.#database.engine, chunk, this.#choice.picked.length)
        yield { rows: chunk.rowCount, parts: this.#parts(chunk, row), groups }
        row += chunk.rowCount
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

  #parts(chunk: DuckDBDataChunk, firstRow: number): Chunk['parts'] {
    const { engine } = this.#database
    return this.#choice.picked.map(({ stored, place }, c) => {
      const complain = (row: number, numbers: number) =>
        new DataError(
          `${this.#choice.fields[place.field]?.name}: ${this.#locate(firstRow + row)} has ${numbers} number${numbers === 1 ? '' : 's'}, ` +
            `the first list has ${stored.size}. Every row needs as many.`,
        )
      return { field: place.field, values: chunkColumn(engine, chunk.chunk, c, stored, place, complain) }
    })
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
