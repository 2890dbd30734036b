import { DataError, fileError } from '../errors.ts'
import { parseNumber } from '../numbers.ts'
import { type Batch, type Column, type Field, type Source, width } from '../source.ts'
import { selectColumns } from './columns.ts'
import { type CsvRecord, type CsvRecords, openRecords } from './csv-records.ts'

export interface CsvOptions {
  /** Columns of each field, as `selectColumns` reads them; undefined for all columns as one field. */
  readonly specs?: readonly string[] | undefined
  /** The first line names the columns (default). */
  readonly header?: boolean | undefined
  /** Between the cells of a line; a comma by default, a tab in .tsv files. */
  readonly delimiter?: string | undefined
  /** What the numbers become (default float64, as exact as their text). */
  readonly dtype?: 'float32' | 'float64' | undefined
  readonly chunkRows?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Numbers of the widest field in a batch: as a rule, and at most. */
const batchNumbers = 2 ** 17
const mostNumbers = 2 ** 27

/** One field and the columns that its numbers come from. */
interface Picked {
  readonly field: Field
  readonly columns: readonly number[]
}

/** Opens a CSV file: reads its header and finds the columns. The rows are read while iterating. */
export async function openCsv(path: string, options: CsvOptions = {}): Promise<CsvSource> {
  let records: CsvRecords | undefined
  try {
    const delimiter = options.delimiter ?? (path.toLowerCase().endsWith('.tsv') ? '\t' : ',')
    records = await openRecords(path, delimiter, options.signal)
    let begin: readonly CsvRecord[] | undefined = []
    while (begin?.length === 0) begin = await records.next()
    const [first] = begin ?? []
    if (begin === undefined || first === undefined) throw new DataError(`${records.name}: is empty.`)
    const { header = true } = options
    const names = first.cells.map((cell, column) => (header ? cell.trim() : String(column)))
    return new CsvSource(
      records,
      names,
      pick(records.name, names, options),
      header ? begin.slice(1) : begin,
      options,
    )
  } catch (error) {
    records?.close()
    throw fileError(path, error)
  }
}

function pick(
  file: string,
  names: readonly string[],
  { specs, dtype = 'float64' }: CsvOptions,
): readonly Picked[] {
  if (specs === undefined) {
    const rowShape = names.length === 1 ? [] : [names.length]
    return [{ field: { name: file, dtype, rowShape }, columns: names.map((_, column) => column) }]
  }
  return specs.map(spec => {
    const columns = selectColumns(file, names, spec)
    const rowShape = columns.length === 1 ? [] : [columns.length]
    return { field: { name: `${file}, ${columnText(names, columns)}`, dtype, rowShape }, columns }
  })
}

function columnText(names: readonly string[], columns: readonly number[]): string {
  const [first = 0] = columns
  if (columns.length === 1) return `column "${names[first]}"`
  return `columns "${names[first]}" to "${names[columns.at(-1) ?? 0]}"`
}

export class CsvSource implements Source {
  readonly fields: readonly Field[]
  /** Told by no header. */
  readonly rows = undefined
  readonly split = 1
  private readonly records: CsvRecords
  private readonly names: readonly string[]
  private readonly picked: readonly Picked[]
  private readonly begin: readonly CsvRecord[]
  private readonly chunkRows: number

  constructor(
    records: CsvRecords,
    names: readonly string[],
    picked: readonly Picked[],
    begin: readonly CsvRecord[],
    { chunkRows }: CsvOptions,
  ) {
    this.records = records
    this.names = names
    this.picked = picked
    this.begin = begin
    this.fields = picked.map(({ field }) => field)
    const widest = Math.max(...this.fields.map(({ rowShape }) => width(rowShape)))
    const most = Math.ceil((chunkRows === undefined ? batchNumbers : mostNumbers) / widest)
    this.chunkRows = Math.min(chunkRows ?? most, most)
  }

  get progress(): { done: number; total: number | undefined } {
    return { done: this.records.done, total: this.records.size }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    let firstRow = 0
    let filling = new Filling(this.picked, this.chunkRows)
    try {
      for (
        let records: readonly CsvRecord[] | undefined = this.begin;
        records;
        records = await this.records.next()
      ) {
        for (const record of records) {
          this.store(record, filling)
          if (filling.rows < this.chunkRows) continue
          yield filling.batch(firstRow)
          firstRow += filling.rows
          filling = new Filling(this.picked, this.chunkRows)
        }
      }
      if (filling.rows > 0) yield filling.batch(firstRow)
    } catch (error) {
      throw fileError(this.records.name, error)
    } finally {
      await this.close()
    }
  }

  async close(): Promise<void> {
    this.records.close()
  }

  private store({ line, cells }: CsvRecord, into: Filling): void {
    if (cells.length !== this.names.length) {
      const [got, first] = [cells.length, this.names.length].map(n => `${n} cell${n === 1 ? '' : 's'}`)
      throw new DataError(`${this.records.name}: line ${line} has ${got}, the first line has ${first}.`)
    }
    into.add(line)
    for (const [f, { columns }] of this.picked.entries()) {
      for (const column of columns) {
        const cell = (cells[column] ?? '').trim()
        const value = parseNumber(cell)
        if (value === undefined) throw this.cellError(line, column, cell)
        into.push(f, value)
      }
    }
  }

  private cellError(line: number, column: number, cell: string): DataError {
    const where = `${this.records.name}: line ${line}, column "${this.names[column]}"`
    if (cell === '') return new DataError(`${where} is empty. Every row needs a number.`)
    const shown = JSON.stringify(cell.length > 40 ? `${cell.slice(0, 40)}…` : cell)
    return new DataError(`${where}: ${shown} is not a number.`)
  }
}

/** A batch under construction. It begins small and doubles, so that a short file in a large chunk stays small. */
class Filling {
  rows = 0
  private readonly fields: readonly Field[]
  private readonly most: number
  private capacity: number
  private lines: Float64Array
  private readonly data: (Float32Array | Float64Array)[]
  private readonly used: number[]

  constructor(picked: readonly Picked[], most: number) {
    this.fields = picked.map(({ field }) => field)
    this.most = most
    this.capacity = Math.min(most, 1024)
    this.lines = new Float64Array(this.capacity)
    this.data = this.fields.map(({ dtype, rowShape }) => {
      const length = this.capacity * width(rowShape)
      return dtype === 'float32' ? new Float32Array(length) : new Float64Array(length)
    })
    this.used = this.fields.map(() => 0)
  }

  /** Begins a row, which is then pushed number by number. */
  add(line: number): void {
    if (this.rows === this.capacity) this.grow()
    this.lines[this.rows++] = line
  }

  push(field: number, value: number): void {
    const data = this.data[field]
    const used = this.used[field]
    if (data === undefined || used === undefined) return
    data[used] = value
    this.used[field] = used + 1
  }

  batch(firstRow: number): Batch {
    const { rows, lines } = this
    const columns = this.fields.map(({ dtype, rowShape }, f): Column => {
      const data = this.data[f] as Float32Array | Float64Array
      return { data: data.subarray(0, rows * width(rowShape)), dtype, shape: [rows, ...rowShape] }
    })
    return { columns, rows, firstRow, locate: row => `line ${lines[row]}` }
  }

  private grow(): void {
    this.capacity = Math.min(this.most, this.capacity * 2)
    this.lines = enlarged(this.lines, this.capacity)
    for (const [f, { rowShape }] of this.fields.entries()) {
      this.data[f] = enlarged(this.data[f] as Float32Array | Float64Array, this.capacity * width(rowShape))
    }
  }
}

function enlarged<T extends Float32Array | Float64Array>(old: T, length: number): T {
  const larger = new (old.constructor as new (length: number) => T)(length)
  larger.set(old)
  return larger
}
