import { open, stat } from 'node:fs/promises'
import { extname } from 'node:path'
import { DataError, fileError, UsageError } from '../errors.ts'
import { type Source, width } from '../source.ts'
import { openCsv } from './csv.ts'
import { stdin } from './csv-records.ts'
import { batchBytes, NpySource, openNpy } from './npy.ts'
import { isNpy } from './npy-header.ts'
import { sideBySide } from './side-by-side.ts'
import { within } from './within.ts'

/** What is evaluated: columns of one file, or one file each. */
export interface Inputs {
  /** A CSV file, of which `pred`, `target` and `weight` are columns; without it they are files. */
  readonly file?: string | undefined
  readonly pred: string
  readonly target: string
  readonly weight?: string | undefined
  /** A column that names the group of each row: words or whole numbers. */
  readonly by?: string | undefined
  /** Of CSV files. */
  readonly header?: boolean | undefined
  readonly delimiter?: string | undefined
  readonly dtype?: 'float32' | 'float64' | undefined
}

export interface OpenOptions {
  readonly chunkRows?: number | undefined
  /** Rows must stay whole: some loss needs them. Otherwise rows too large for a batch are read number by number. */
  readonly wholeRows: boolean
  /** Only the rows from `first` on, without `end`, numbered in the whole data. */
  readonly range?: { readonly first: number; readonly end: number } | undefined
  /** Ends the wait for the first line of a pipe, too. */
  readonly signal?: AbortSignal | undefined
}

/** Opens the inputs as one source with the columns pred, target and, if given, weight. */
export async function openInputs(inputs: Inputs, options: OpenOptions): Promise<Source> {
  const source = await openWhole(inputs, options)
  return options.range === undefined ? source : within(source, options.range)
}

/** How many rows the inputs have, read from a header where there is one. */
export async function countRows(inputs: Inputs): Promise<number> {
  const source = await openInputs(inputs, { wholeRows: true })
  try {
    if (source.rows !== undefined) return source.rows
    let rows = 0
    for await (const batch of source) rows += batch.rows
    return rows
  } finally {
    await source.close()
  }
}

async function openWhole(inputs: Inputs, options: OpenOptions): Promise<Source> {
  const { file, pred, target, weight } = inputs
  const specs = [pred, target, ...(weight === undefined ? [] : [weight])]
  if (file === undefined) return openFiles(specs, inputs, options)
  if ((await formatOf(file)) === 'npy') {
    throw new UsageError(
      `${file}: a .npy file has no columns. Give one file each: --pred FILE --target FILE.`,
    )
  }
  return openCsv(file, { ...inputs, specs, chunkRows: options.chunkRows, signal: options.signal })
}

async function openFiles(paths: readonly string[], inputs: Inputs, options: OpenOptions): Promise<Source> {
  if (paths.filter(path => path === stdin).length > 1) {
    throw new UsageError('standard input (-) can be only one of the files.')
  }
  const formats = await Promise.all(paths.map(formatOf))
  for (const setting of ['header', 'delimiter', 'dtype'] as const) {
    if (inputs[setting] !== undefined && !formats.includes('csv')) {
      throw new UsageError(
        `--${setting === 'header' ? 'no-header' : setting} is for CSV files, and none is given.`,
      )
    }
  }
  const sources: Source[] = []
  try {
    for (const [i, path] of paths.entries()) {
      const { header, delimiter, dtype } = inputs
      const { chunkRows, signal } = options
      sources.push(
        formats[i] === 'npy'
          ? await openNpy(path, chunkRows)
          : await openCsv(path, { header, delimiter, dtype, chunkRows, signal }),
      )
    }
    return sideBySide(options.wholeRows ? sources : splitHugeRows(sources))
  } catch (error) {
    await Promise.all(sources.map(source => source.close()))
    throw error
  }
}

/** Where a row is larger than a batch, and the rows of all files hold equally many numbers, the numbers become the rows. */
function splitHugeRows(sources: readonly Source[]): readonly Source[] {
  const arrays = sources.filter(source => source instanceof NpySource)
  const widths = new Set(arrays.map(source => width(source.fields[0].rowShape)))
  const isHuge = arrays.some(source => source.rowBytes > batchBytes)
  return arrays.length === sources.length && isHuge && widths.size === 1
    ? arrays.map(source => source.flat())
    : sources
}

type Format = 'npy' | 'csv'

/** Files that begin like this are something else than text, and what to do with them. */
const foreign: readonly (readonly [string, string])[] = [
  ['PAR1', 'is a Parquet file, which cannot be read yet. Write it as CSV or .npy.'],
  ['ARROW1', 'is an Arrow file, which cannot be read yet. Write it as CSV or .npy.'],
  ['PK\x03\x04', 'is a zip archive, perhaps .npz. Save each array with np.save, or unpack it.'],
  ['\x1f\x8b', 'is compressed with gzip. Unpack it first, or pipe it: zcat file | losskit evaluate - …'],
  ['\x89HDF', 'is an HDF5 file, which cannot be read. Write it as CSV or .npy.'],
]

/** By what the file begins with; where it says nothing, by its extension; otherwise text. */
async function formatOf(path: string): Promise<Format> {
  if (path === stdin) return 'csv'
  const begin = await firstBytes(path)
  if (isNpy(begin)) return 'npy'
  const text = Buffer.from(begin).toString('latin1')
  const found = foreign.find(([magic]) => text.startsWith(magic))
  if (found !== undefined) throw new DataError(`${path}: ${found[1]}`)
  return extname(path).toLowerCase() === '.npy' ? 'npy' : 'csv'
}

async function firstBytes(path: string): Promise<Uint8Array> {
  try {
    // What is read from a pipe would be missing afterwards.
    if (!(await stat(path)).isFile()) return new Uint8Array()
    const handle = await open(path)
    try {
      const { bytesRead, buffer } = await handle.read(new Uint8Array(8), 0, 8, 0)
      return buffer.subarray(0, bytesRead)
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw fileError(path, error)
  }
}
