import { DataError, fileError } from '../errors.ts'
import { parseNumber } from '../numbers.ts'
import { type Batch, type Field, type Source, width } from '../source.ts'
import { columnText, selectColumn, selectColumns } from './columns.ts'
import { type CsvRecord, type CsvRecords, openRecords } from './csv-records.ts'
import { GroupNames } from './group-names.ts'
import { type Nulls, RowBuffer, withWeights } from './row-buffer.ts'

export interface CsvOptions {
  /** Columns of each field, as `selectColumns` reads them; undefined for all columns as one field. */
  readonly specs?: readonly string[] | undefined
  /** The column that groups the rows. */
  readonly by?: string | undefined
  /** What becomes of rows with an empty cell. */
  readonly nulls?: Nulls | undefined
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
    const delimiter = options.delimiter ?? (/\.tsv(\.gz)?$/i.test(path) ? '\t' : ',')
    records = await openRecords(path, delimiter, options.signal)
    let begin: readonly CsvRecord[] | undefined = []
    while (begin?.length === 0) begin = await records.next()
    const [first] = begin ?? []
    if (begin === undefined || first === undefined) throw new DataError(`${records.name}: is empty.`)
    const { header = true } = options
    const names = first.cells.map((cell, column) => (header ? cell.trim() : String(column)))
    const picked = pick(records.name, names, options)
    return new CsvSource(records, names, picked, header ? begin.slice(1) : begin, options)
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
  private readonly options: CsvOptions
  private readonly by: number | undefined
  private readonly groups = new GroupNames()

  constructor(
    records: CsvRecords,
    names: readonly string[],
    picked: readonly Picked[],
    begin: readonly CsvRecord[],
    options: CsvOptions,
  ) {
    const { chunkRows, by, nulls } = options
    this.records = records
    this.names = names
    this.picked = picked
    this.begin = begin
    this.options = options
    this.by = by === undefined ? undefined : selectColumn(records.name, names, by)
    const given = picked.map(({ field }) => field)
    this.fields = withWeights(given, nulls)
    const widest = Math.max(...given.map(({ rowShape }) => width(rowShape)))
    const most = Math.ceil((chunkRows === undefined ? batchNumbers : mostNumbers) / widest)
    this.chunkRows = Math.min(chunkRows ?? most, most)
  }

  get progress(): { done: number; total: number | undefined } {
    return { done: this.records.done, total: this.records.size }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    const { by, nulls } = this.options
    const fields = this.picked.map(({ field }) => field)
    const filling = () => new Filling({ fields, by, nulls, most: this.chunkRows })
    const turns = [filling(), filling()] as const
    let turn: 0 | 1 = 0
    let firstRow = 0
    const emit = (): Batch | undefined => {
      const { rows } = turns[turn]
      const batch = turns[turn].finish(firstRow, this.groups.names)
      firstRow += rows
      turn = turn === 0 ? 1 : 0
      turns[turn].rows = 0
      return batch
    }
    try {
      for (
        let records: readonly CsvRecord[] | undefined = this.begin;
        records;
        records = await this.records.next()
      ) {
        for (const record of records) {
          this.store(record, turns[turn])
          if (turns[turn].rows < this.chunkRows) continue
          const batch = emit()
          if (batch !== undefined) yield batch
        }
      }
      const batch = emit()
      if (batch !== undefined) yield batch
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
    const row = into.begin(line)
    for (const [f, { columns }] of this.picked.entries()) {
      const data = into.data[f] as Float32Array | Float64Array
      for (const [i, column] of columns.entries()) {
        const cell = (cells[column] ?? '').trim()
        const value = parseNumber(cell)
        if (value !== undefined) data[row * columns.length + i] = value
        else if (cell === '' && (this.options.nulls ?? 'error') !== 'error') into.miss(row, f)
        else throw this.cellError(line, column, cell)
      }
    }
    if (this.by !== undefined && into.ids !== undefined) {
      const cell = (cells[this.by] ?? '').trim()
      if (cell === '') into.miss(row, this.picked.length)
      else into.ids[row] = this.groups.idOf(cell)
    }
  }

  private cellError(line: number, column: number, cell: string): DataError {
    const where = `${this.records.name}: line ${line}, column "${this.names[column]}"`
    if (cell === '') return new DataError(`${where} is empty. Every row needs a number.`)
    const shown = JSON.stringify(cell.length > 40 ? `${cell.slice(0, 40)}…` : cell)
    return new DataError(`${where}: ${shown} is not a number.`)
  }
}

/** Rows that also know the lines on which they begin. */
class Filling extends RowBuffer {
  private lines = new Float64Array(1024)

  begin(line: number): number {
    this.reserve(1)
    const row = this.rows++
    if (row === this.lines.length) {
      const longer = new Float64Array(2 * row)
      longer.set(this.lines)
      this.lines = longer
    }
    this.lines[row] = line
    return row
  }

  finish(firstRow: number, names: readonly string[]): Batch | undefined {
    return this.batch(firstRow, names, row => `line ${this.lines[row]}`)
  }
}
