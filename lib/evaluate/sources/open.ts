import { UsageError } from '../errors.ts'
import { type Source, width } from '../source.ts'
import { ArraySource, batchBytes } from './array.ts'
import { openArrow } from './arrow/arrow.ts'
import { type CsvOptions, openCsv } from './csv.ts'
import { stdin } from './csv-records.ts'
import { openDuckDB } from './duckdb/open.ts'
import { type Format, formatOf, memberOf } from './format.ts'
import { keyed } from './keyed.ts'
import { openNpy } from './npy.ts'
import { openNpz } from './npz.ts'
import type { Nulls } from './row-buffer.ts'
import { openSafetensors } from './safetensors.ts'
import { sideBySide } from './side-by-side.ts'
import { within } from './within.ts'

/** What is evaluated: columns of one file or query, or one file each. */
export interface Inputs {
  /**
   * A table, of which `pred`, `target` and `weight` are columns: a CSV, Parquet or JSON file, a pattern of such names, or an
   * address that DuckDB reads. Without it, and without `sql`, they are files.
   */
  readonly file?: string | undefined
  /** A query for DuckDB in place of a file. */
  readonly sql?: string | undefined
  /** Statements that DuckDB runs first: settings, secrets, extensions. */
  readonly sqlSetup?: string | undefined
  readonly pred: string
  readonly target: string
  readonly weight?: string | undefined
  /** A column that names the group of each row: words or whole numbers. */
  readonly by?: string | undefined
  /** Rows in which a value is missing: an error (the default), left out, or given weight 0. */
  readonly nulls?: Nulls | undefined
  /** Of CSV files. */
  readonly header?: boolean | undefined
  readonly delimiter?: string | undefined
  readonly dtype?: 'float32' | 'float64' | undefined
}

/** The rows from `first` on and before `end`. */
export interface Range {
  readonly first: number
  readonly end: number
}

export interface OpenOptions {
  readonly chunkRows?: number | undefined
  /** Rows must stay whole: some loss needs them. Otherwise rows too large for a batch are read number by number. */
  readonly wholeRows: boolean
  /** Only these rows, numbered in the whole data. */
  readonly range?: Range | undefined
  /** Ends the wait for the first line of a pipe, too. */
  readonly signal?: AbortSignal | undefined
}

/** Opens the inputs as one source with the columns pred, target and, if given, weight. */
export async function openInputs(inputs: Inputs, options: OpenOptions): Promise<Source> {
  const { file, sql } = inputs
  if (file !== undefined && sql !== undefined) {
    throw new UsageError(`give a file (${file}) or --sql, not both.`)
  }
  const format = file === undefined ? undefined : await formatOf(file)
  if (sql !== undefined || format === 'table') return openDuckDB(inputs, options)
  if (format === 'parquet') return openDuckDB(inputs, options, format)
  if (inputs.sqlSetup !== undefined) throw new UsageError('--sql-setup is for what DuckDB reads.')
  if (file === undefined || format === undefined) return openFiles(inputs, options)
  return openOne(file, format, inputs, options)
}

/** How many rows the inputs have, read from a header where there is one. Rows without values count as well. */
export async function countRows(inputs: Inputs): Promise<number> {
  const source = await openInputs({ ...inputs, nulls: inputs.nulls && 'zero-weight' }, { wholeRows: true })
  try {
    if (source.rows !== undefined) return source.rows
    if (source.countRows !== undefined) return await source.countRows()
    let rows = 0
    for await (const batch of source) rows += batch.rows
    return rows
  } finally {
    await source.close()
  }
}

async function openOne(file: string, format: Format, inputs: Inputs, options: OpenOptions): Promise<Source> {
  if (format === 'npy') {
    throw new UsageError(
      `${file}: a .npy file has no columns. Give one file each: --pred FILE --target FILE.`,
    )
  }
  if (format === 'npz' || format === 'safetensors') return openContainer(file, format, inputs, options)
  const { pred, target, weight, by, nulls } = inputs
  const specs = [pred, target, ...(weight === undefined ? [] : [weight])]
  if (format === 'arrow') {
    checkText(inputs, [format])
    return ranged(await openArrow(file, { specs, by, nulls, chunkRows: options.chunkRows }), options)
  }
  return csv(file, { ...textOptions(inputs, options), specs, by, nulls }, options)
}

/** The arrays of one file beside each other. */
async function openContainer(
  file: string,
  format: 'npz' | 'safetensors',
  inputs: Inputs,
  options: OpenOptions,
): Promise<Source> {
  const { pred, target, weight, by } = inputs
  checkSettings(inputs, [format])
  const names = [pred, target, weight, by].filter(name => name !== undefined)
  const open = format === 'npz' ? openNpz : openSafetensors
  return together(
    names.map(name => () => open(file, name, options)),
    by !== undefined,
    options,
  )
}

async function openFiles(inputs: Inputs, options: OpenOptions): Promise<Source> {
  const { pred, target, weight, by } = inputs
  const paths = [pred, target, weight, by].filter(path => path !== undefined)
  if (paths.filter(path => path === stdin).length > 1) {
    throw new UsageError('standard input (-) can be only one of the files.')
  }
  const formats = await Promise.all(paths.map(path => formatOf(memberOf(path)?.file ?? path)))
  checkSettings(inputs, formats)
  return together(
    paths.map((path, i) => () => openFile(path, formats[i] as Format, inputs, options)),
    by !== undefined,
    options,
  )
}

async function together(
  openers: readonly (() => Promise<Source>)[],
  isKeyed: boolean,
  { wholeRows }: OpenOptions,
): Promise<Source> {
  const sources: Source[] = []
  try {
    for (const open of openers) sources.push(await open())
    const joined = sideBySide(wholeRows ? sources : splitHugeRows(sources))
    return isKeyed ? keyed(joined) : joined
  } catch (error) {
    await Promise.all(sources.map(source => source.close()))
    throw error
  }
}

function checkText(inputs: Inputs, formats: readonly Format[]): void {
  for (const setting of ['header', 'delimiter', 'dtype'] as const) {
    if (inputs[setting] !== undefined && !formats.includes('csv')) {
      throw new UsageError(
        `--${setting === 'header' ? 'no-header' : setting} is for CSV files, and none is given.`,
      )
    }
  }
}

function checkSettings(inputs: Inputs, formats: readonly Format[]): void {
  checkText(inputs, formats)
  if (inputs.nulls !== undefined && inputs.nulls !== 'error') {
    throw new UsageError(`--nulls ${inputs.nulls} is for the columns of one file or query.`)
  }
}

async function openFile(path: string, format: Format, inputs: Inputs, options: OpenOptions): Promise<Source> {
  if (format === 'npy') return openNpy(path, options)
  if (format === 'npz' || format === 'safetensors') {
    const member = memberOf(path)
    if (member !== undefined)
      return (format === 'npz' ? openNpz : openSafetensors)(member.file, member.name, options)
    throw new UsageError(`${path}: holds several arrays. Name one: ${path}:NAME.`)
  }
  if (format === 'csv') return csv(path, textOptions(inputs, options), options)
  throw new UsageError(
    `${path}: has columns. Give it by itself, and the names of its columns: ${path} --pred NAME --target NAME.`,
  )
}

/** Text has no rows that could be found by their number, so it is read from the beginning. */
async function csv(path: string, options: CsvOptions, opening: OpenOptions): Promise<Source> {
  return ranged(await openCsv(path, options), opening)
}

function ranged(source: Source, { range }: OpenOptions): Source {
  return range === undefined ? source : within(source, range)
}

function textOptions({ header, delimiter, dtype }: Inputs, { chunkRows, signal }: OpenOptions): CsvOptions {
  return { header, delimiter, dtype, chunkRows, signal }
}

/** Where a row is larger than a batch, and the rows of all files hold equally many numbers, the numbers become the rows. */
function splitHugeRows(sources: readonly Source[]): readonly Source[] {
  const arrays = sources.filter(source => source instanceof ArraySource)
  const widths = new Set(arrays.map(source => width(source.fields[0].rowShape)))
  const isHuge = arrays.some(source => source.rowBytes > batchBytes)
  return arrays.length === sources.length && isHuge && widths.size === 1
    ? arrays.map(source => source.flat())
    : sources
}
