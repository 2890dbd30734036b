import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { addAbortSignal, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { type CsvError, type Parser, parse } from 'csv-parse'
import { DataError } from '../errors.ts'

/** One record, and the line of the file on which it begins. */
export interface CsvRecord {
  readonly line: number
  readonly cells: readonly string[]
}

/** Standard input, as a file name. */
export const stdin = '-'

const readBytes = 2 ** 17

/** More records than one read can hold, so that the parser never waits for its reader within a write. */
const parserRecords = 2 ** 20

/** A quote that is never closed would otherwise collect the rest of the file. */
const longestRecord = 2 ** 24

export async function openRecords(
  path: string,
  delimiter: string,
  signal?: AbortSignal,
): Promise<CsvRecords> {
  const watched = <T extends Readable>(bytes: T): T =>
    signal === undefined ? bytes : addAbortSignal(signal, bytes)
  if (path === stdin) return new CsvRecords('standard input', watched(process.stdin), undefined, delimiter)
  const stats = await stat(path)
  const bytes = watched(createReadStream(path, { highWaterMark: readBytes }))
  if (path.toLowerCase().endsWith('.gz')) return new CsvRecords(path, unzipped(bytes), undefined, delimiter)
  return new CsvRecords(path, bytes, stats.isFile() ? stats.size : undefined, delimiter)
}

function unzipped(packed: Readable): Readable {
  const bytes = createGunzip({ chunkSize: readBytes })
  packed.once('error', error => bytes.destroy(error))
  bytes.once('close', () => packed.destroy())
  return packed.pipe(bytes)
}

/** The records of a CSV stream, read by read. Lines without anything may only end the file. */
export class CsvRecords {
  readonly name: string
  /** Bytes in all, where known. */
  readonly size: number | undefined
  /** Bytes read so far. */
  done = 0
  private readonly bytes: Readable
  private readonly reads: AsyncIterator<Buffer>
  private readonly parser: Parser
  private line = 1
  private blankLine: number | undefined

  constructor(name: string, bytes: Readable, size: number | undefined, delimiter: string) {
    this.name = name
    this.size = size
    this.bytes = bytes
    this.reads = bytes[Symbol.asyncIterator]() as AsyncIterator<Buffer>
    const options = {
      bom: true,
      delimiter,
      record_delimiter: ['\r\n', '\n', '\r'],
      max_record_size: longestRecord,
      // Cells are counted by the reader of the records, whose message can name the file.
      relax_column_count: true,
      readableHighWaterMark: parserRecords,
    }
    this.parser = parse(options)
    // Errors are taken from `write`; without a listener they would end the process as well.
    this.parser.on('error', () => {})
  }

  /** The records that one more read completes, perhaps none; undefined at the end. */
  async next(): Promise<readonly CsvRecord[] | undefined> {
    if (this.parser.writableEnded) return undefined
    const { done, value } = await this.reads.next().catch(error => {
      throw unzipError(this.name, error)
    })
    await new Promise<void>((resolve, reject) => {
      const fail = (error: Error) => reject(this.explain(error as CsvError))
      if (done === true) {
        // The last record needs no line end.
        this.parser.once('error', fail)
        this.parser.once('prefinish', resolve)
        this.parser.end()
      } else {
        this.done += value.length
        this.parser.write(value, error => (error ? fail(error) : resolve()))
      }
    })
    const records: CsvRecord[] = []
    for (let cells: string[] | null = this.parser.read(); cells !== null; cells = this.parser.read()) {
      const { line } = this
      this.line += 1 + lineEnds(cells)
      if (cells.length === 1 && cells[0] === '') this.blankLine ??= line
      else if (this.blankLine !== undefined) {
        throw new DataError(`${this.name}: line ${this.blankLine} is empty.`)
      } else records.push({ line, cells })
    }
    return records
  }

  close(): void {
    this.bytes.destroy()
    this.parser.destroy()
  }

  private explain(error: CsvError): Error {
    const line = `${this.name}: line ${error.lines ?? this.line}`
    switch (error.code as string) {
      case 'CSV_QUOTE_NOT_CLOSED':
        return new DataError(`${this.name}: a quote is opened and not closed before the end of the file.`)
      case 'CSV_INVALID_CLOSING_QUOTE':
        return new DataError(`${line}: a closing quote is not followed by the end of its cell.`)
      case 'INVALID_OPENING_QUOTE':
        return new DataError(`${line}: a quote stands in the middle of a cell.`)
      case 'CSV_MAX_RECORD_SIZE':
        return new DataError(
          `${line}: a row is longer than ${longestRecord} characters. Is a quote not closed?`,
        )
      default:
        return error
    }
  }
}

function lineEnds(cells: readonly string[]): number {
  let ends = 0
  for (const cell of cells) if (cell.includes('\n')) ends += cell.split('\n').length - 1
  return ends
}

function unzipError(name: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || !String(error.code).startsWith('Z_')) return error
  return new DataError(`${name}: cannot be unpacked: ${error.message}.`, { cause: error })
}
