/**
 * A source is an async iterable of batches: some rows of a few columns, as typed arrays. Files, and later queries, are
 * sources; everything above them (joining, accumulating, reporting) sees only this.
 */

export type Dtype =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'

/** float16 and bfloat16 travel as the bits of their values, in a Uint16Array. */
export type ColumnArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array

/** What a source says about a column before any of it is read. */
export interface Field {
  /** What the user called it: a file, or a column of one. */
  readonly name: string
  readonly dtype: Dtype
  /** Shape of one row: [] for a number, [10] for ten logits. */
  readonly rowShape: readonly number[]
}

/** The rows of one column in one batch, row after row. */
export interface Column {
  readonly data: ColumnArray
  readonly dtype: Dtype
  readonly shape: readonly number[]
}

export interface Batch {
  /** In the order of `Source.fields`. */
  readonly columns: readonly Column[]
  readonly rows: number
  /** The number of the first row, among all rows of the input. */
  readonly firstRow: number
  /** The number of each row, where some between them were left out. */
  readonly rowNumbers?: Float64Array
  /** Where rows are grouped: for each row the index of its group in a table of names that only grows. */
  readonly groups?: { readonly ids: Int32Array; readonly names: readonly string[] }
  /**
   * Where a row of this batch is written, for people: 'row 5', 'line 7'. `row` counts from the start of the batch; `column`
   * matters where the columns come from different files.
   */
  locate(row: number, column?: number): string
}

/**
 * Iterated once. The arrays of a batch are reused: they hold until the batch after the next one is asked for, so that one
 * batch can be read while another is computed.
 */
export interface Source extends AsyncIterable<Batch> {
  readonly fields: readonly Field[]
  /** Known where a header tells it. */
  readonly rows: number | undefined
  /** Into how many rows each row of the file was split; 1 as a rule. */
  readonly split: number
  /** Bytes read so far and in all; the total is unknown for a stream. */
  readonly progress: { readonly done: number; readonly total: number | undefined }
  /** Counts the rows, where that is cheaper than reading them and `rows` is not known. */
  countRows?(): Promise<number>
  /** Releases the file. Iterating to the end, or leaving the loop, does it too. */
  close(): Promise<void>
}

/** The number of a row of the batch among all rows of the input. */
export function rowNumber(
  { firstRow, rowNumbers }: Pick<Batch, 'firstRow' | 'rowNumbers'>,
  row: number,
): number {
  return rowNumbers === undefined ? firstRow + row : (rowNumbers[row] as number)
}

/** Numbers in one row. */
export function width(rowShape: readonly number[]): number {
  return rowShape.reduce((product, size) => product * size, 1)
}

/** How a shape is shown: `(8, 10)`, `(8,)`. */
export function shapeText(shape: readonly (number | string)[]): string {
  return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`
}

/** `field` as the shape of the whole array, where the number of rows may not be known. */
export function fieldShape(field: Field, rows: number | undefined): string {
  return shapeText([rows ?? 'rows', ...field.rowShape])
}
