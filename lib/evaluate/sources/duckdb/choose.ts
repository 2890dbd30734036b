import { DataError } from '../../errors.ts'
import type { Field } from '../../source.ts'
import type { Place } from '../column-part.ts'
import { columnText, selectColumn, selectColumns } from '../columns.ts'
import { type Database, quoted } from './database.ts'
import type { TableOptions } from './duckdb.ts'
import type { Relation } from './relation.ts'
import { type Stored, storedAs } from './types.ts'

/** One column of SQL and where it goes. */
export interface Picked {
  readonly name: string
  readonly type: string
  readonly stored: Stored
  readonly place: Place
}

/** What is read of a relation. */
export interface Choice {
  readonly fields: readonly Field[]
  readonly picked: readonly Picked[]
  /** The column that groups the rows. */
  readonly by: string | undefined
}

/** Finds the columns of a relation, and how they are stored. */
export async function choose(database: Database, relation: Relation, options: TableOptions): Promise<Choice> {
  const [first] = relation.parts
  if (first === undefined) throw new DataError(`${relation.name}: there is nothing to read.`)
  const columns = await database.describe(relation.name, first.from)
  const chosen = await Promise.all(
    options.specs.map(async (spec, field) => {
      const indexes = selectColumns(relation.name, columns.names, spec)
      const name = `${relation.name}, ${columnText(columns.names, indexes)}`
      const parts = await Promise.all(
        indexes.map(async (index): Promise<Part> => {
          const column = columns.names[index] as string
          const type = columns.get(column) as string
          return {
            name: column,
            type,
            stored: await sized(database, first, column, narrowed(storedAs(name, type), options)),
          }
        }),
      )
      return together(name, field, parts)
    }),
  )
  const by =
    options.by === undefined
      ? undefined
      : columns.names[selectColumn(relation.name, columns.names, options.by)]
  return { fields: chosen.map(({ field }) => field), picked: chosen.flatMap(({ picked }) => picked), by }
}

type Part = Omit<Picked, 'place'>

/** Columns beside each other are the numbers of one row. */
function together(name: string, field: number, parts: readonly Part[]) {
  const [first] = parts
  if (first === undefined) throw new RangeError('no columns')
  if (parts.length > 1 && parts.some(({ stored }) => stored.kind !== 'number')) {
    throw new DataError(`${name}: lists cannot stand beside other columns. Give one column of lists.`)
  }
  const common = widest(name, parts)
  const width = parts.reduce((sum, { stored }) => sum + (stored.size ?? 0), 0)
  const picked = parts.map((part, offset): Picked => {
    return { ...part, stored: common ?? part.stored, place: { field, offset, width } }
  })
  const rowShape = parts.length === 1 && first.stored.kind === 'number' ? [] : [width]
  return { field: { name, dtype: (common ?? first.stored).dtype, rowShape }, picked }
}

function narrowed(stored: Stored, { dtype }: TableOptions): Stored {
  if (dtype !== 'float32' || stored.dtype !== 'float64') return stored
  return { ...stored, dtype, sql: stored.sql.replace('DOUBLE', 'FLOAT') }
}

/** Several columns that make up a row are of one type: theirs, or DOUBLE. */
function widest(
  name: string,
  parts: readonly { readonly type: string; readonly stored: Stored }[],
): Stored | undefined {
  const types = new Set(parts.map(({ stored }) => stored.sql))
  if (types.size <= 1) return undefined
  if (parts.some(({ stored }) => stored.dtype === 'int64')) {
    const shown = [...new Set(parts.map(({ type }) => type))].join(' and ')
    throw new DataError(`${name}: are of the types ${shown}, which have no common one. Cast them in --sql.`)
  }
  return { dtype: 'float64', sql: 'DOUBLE', kind: 'number', size: 1 }
}

/** The length of the first list is that of all. */
async function sized(
  database: Database,
  { name: where, from }: Relation['parts'][number],
  column: string,
  stored: Stored,
): Promise<Stored> {
  if (stored.size !== undefined) return stored
  const name = quoted(column)
  const sql = `SELECT len(${name}) FROM ${from} WHERE ${name} IS NOT NULL LIMIT 1`
  const [row] = await database.rows(where, sql)
  const size = Number(row?.[0] ?? 1)
  if (size === 0) throw new DataError(`${where}, column "${column}": its first list is empty.`)
  return { ...stored, size }
}
