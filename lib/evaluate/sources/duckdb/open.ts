import { UsageError } from '../../errors.ts'
import type { Source } from '../../source.ts'
import type { Inputs, OpenOptions } from '../open.ts'
import { within } from '../within.ts'
import { Database } from './database.ts'
import { openTable } from './duckdb.ts'
import { fileRelation, filesOf, queryRelation, type TableFormat, tableFormat } from './relation.ts'

/** Opens a query, or files that DuckDB reads. */
export async function openDuckDB(inputs: Inputs, options: OpenOptions, known?: TableFormat): Promise<Source> {
  const { file, sql, pred, target, weight, by, nulls, header, delimiter, dtype } = inputs
  const format = file === undefined ? undefined : (known ?? tableFormat(file))
  for (const [flag, value] of [
    ['no-header', header],
    ['delimiter', delimiter],
    ['dtype', dtype],
  ] as const) {
    if (value !== undefined && format !== 'csv')
      throw new UsageError(`--${flag} is for CSV files, and none is given.`)
  }
  const database = await Database.open(whatFor(file, format), inputs.sqlSetup, options.signal)
  try {
    const relation =
      sql === undefined
        ? await fileRelation(database, file ?? '', format, { header, delimiter })
        : queryRelation(sql)
    const specs = [pred, target, ...(weight === undefined ? [] : [weight])]
    const { chunkRows, range } = options
    const isNumbered = relation.rows !== undefined
    const table = await openTable(database, relation, {
      specs,
      by,
      nulls,
      dtype,
      chunkRows,
      range: isNumbered ? range : undefined,
    })
    return range === undefined || isNumbered ? table : within(table, range)
  } catch (error) {
    await database.close()
    options.signal?.throwIfAborted()
    throw error
  }
}

/** The files of a pattern, in the order in which their rows are numbered. */
export async function expandPattern(path: string, setup: string | undefined): Promise<readonly string[]> {
  const database = await Database.open(whatFor(path, tableFormat(path)), setup)
  try {
    return await filesOf(database, path)
  } finally {
    await database.close()
  }
}

/** What needs DuckDB, as the beginning of a sentence. */
function whatFor(file: string | undefined, format: TableFormat | undefined): string {
  if (file === undefined) return 'Queries'
  return format === 'parquet' ? 'Parquet files' : format === 'json' ? 'JSON files' : 'Patterns of file names'
}
