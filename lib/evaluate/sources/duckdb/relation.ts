import { DataError, FileError, UsageError } from '../../errors.ts'
import type { Database } from './database.ts'
import { text } from './database.ts'

/** Something with rows and columns that SQL can name. */
export interface Part {
  readonly name: string
  /** What stands after FROM. */
  readonly from: string
  /** Known of Parquet, whose rows can be asked for by number. */
  readonly rows?: number
}

/** What is read, part after part. */
export interface Relation {
  readonly name: string
  readonly parts: readonly Part[]
  /** Of all parts together, where it is known. */
  readonly rows: number | undefined
}

export interface TextFormat {
  readonly header?: boolean | undefined
  readonly delimiter?: string | undefined
}

export function queryRelation(query: string): Relation {
  // The line end closes a comment.
  const from = `(${query.trim().replace(/;+$/, '')}\n)`
  return { name: '--sql', parts: [{ name: '--sql', from }], rows: undefined }
}

export type TableFormat = 'parquet' | 'json' | 'csv'

/** By the extension, which may be followed by that of a compression. */
export function tableFormat(path: string): TableFormat | undefined {
  const [, extension = ''] = /\.([a-z0-9]+)(?:\.(?:gz|zst))?(?:\?.*)?$/i.exec(path) ?? []
  if (/^(parquet|parq|pq)$/i.test(extension)) return 'parquet'
  if (/^(json|jsonl|ndjson)$/i.test(extension)) return 'json'
  return /^(csv|tsv|txt)$/i.test(extension) ? 'csv' : undefined
}

export async function fileRelation(
  database: Database,
  path: string,
  format: TableFormat | undefined,
  settings: TextFormat,
): Promise<Relation> {
  if (format === undefined) {
    throw new UsageError(
      `${path}: its name does not tell its format. It takes .parquet, .jsonl, .json or .csv; ` +
        '--sql "SELECT * FROM read_parquet(…)" names it.',
    )
  }
  const files = await filesOf(database, path)
  if (format === 'parquet') return parquet(database, path, files)
  const list = `[${files.map(text).join(', ')}]`
  const from = format === 'json' ? `read_json(${list})` : `read_csv(${list}${csvSettings(settings)})`
  return { name: path, parts: [{ name: path, from }], rows: undefined }
}

function csvSettings({ header, delimiter }: TextFormat): string {
  const head = header === undefined ? '' : `, header = ${header}`
  return delimiter === undefined ? head : `${head}, delim = ${text(delimiter)}`
}

/** The files of a pattern, sorted by their names: the same order on every machine. */
export async function filesOf(database: Database, path: string): Promise<readonly string[]> {
  const rows = await database.rows(path, `SELECT file FROM glob(${text(path)}) ORDER BY file`)
  if (rows.length === 0) throw new FileError(`${path}: cannot be read: no file is called like this.`)
  return rows.map(([file]) => String(file))
}

/** One part for each file, so that rows are numbered file after file, whatever reads them at the same time. */
async function parquet(database: Database, path: string, files: readonly string[]): Promise<Relation> {
  const sql = `SELECT file_name, num_rows FROM parquet_file_metadata([${files.map(text).join(', ')}])`
  const counts = new Map((await database.rows(path, sql)).map(([file, rows]) => [String(file), Number(rows)]))
  const parts = files.map((file): Part => {
    const rows = counts.get(file)
    if (rows === undefined) throw new DataError(`${file}: DuckDB does not say how many rows it has.`)
    return { name: file, from: `read_parquet(${text(file)})`, rows }
  })
  return { name: path, parts, rows: parts.reduce((sum, { rows = 0 }) => sum + rows, 0) }
}

/** `part`, but only its rows from `first` on and before `end`: DuckDB skips the row groups outside. */
export function rowsOfPart({ from }: Part, first: number, end: number): string {
  const numbered = from.replace(/\)$/, ', file_row_number = true)')
  return `${numbered} WHERE file_row_number >= ${first} AND file_row_number < ${end}`
}
