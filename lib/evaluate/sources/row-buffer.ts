import { DataError } from '../errors.ts'
import { type Batch, type Column, type ColumnArray, type Field, width } from '../source.ts'
import { arrayOf } from './arrays.ts'

/** What becomes of rows in which a value is missing: an error, rows left out, or rows of weight 0. */
export type Nulls = 'error' | 'skip' | 'zero-weight'

export interface RowBufferOptions {
  readonly fields: readonly Field[]
  /** Rows belong to groups, by this column. */
  readonly by?: string | undefined
  readonly nulls?: Nulls | undefined
  /** The most rows of a batch. */
  readonly most: number
}

/** Place of the weights among the columns. */
const weightField = 2

/** The fields of a source: with `zero-weight` there are weights, also where none are given. */
export function withWeights(fields: readonly Field[], nulls: Nulls | undefined): readonly Field[] {
  if (nulls !== 'zero-weight' || fields.length !== weightField) return fields
  return [...fields, { name: 'the weight that missing values make', dtype: 'float32', rowShape: [] }]
}

/** A batch under construction, filled row by row and used again. It begins small and doubles, so that a short file stays small. */
export class RowBuffer {
  rows = 0
  readonly data: ColumnArray[]
  ids: Int32Array | undefined
  readonly most: number
  readonly #fields: readonly Field[]
  readonly #given: number
  readonly #by: string | undefined
  readonly #nulls: Nulls
  #capacity: number
  /** For each row 0, or 1 + the field that is missing in it; only where one is. */
  #missing: Uint8Array | undefined
  /** A row without missing values of an earlier batch. */
  #valid: ColumnArray[] | undefined

  constructor({ fields, by, nulls = 'error', most }: RowBufferOptions) {
    this.most = most
    this.#fields = withWeights(fields, nulls)
    this.#given = fields.length
    this.#by = by
    this.#nulls = nulls
    this.#capacity = Math.min(most, 2048)
    this.data = this.#fields.map(({ dtype, rowShape }) => arrayOf(dtype, this.#capacity * width(rowShape)))
    this.ids = by === undefined ? undefined : new Int32Array(this.#capacity)
  }

  /** Makes room for `rows` more, of at most `most` in all. */
  reserve(rows: number): void {
    if (this.rows + rows <= this.#capacity) return
    while (this.#capacity < this.rows + rows) this.#capacity *= 2
    this.#capacity = Math.min(this.#capacity, this.most)
    for (const [f, { dtype, rowShape }] of this.#fields.entries()) {
      this.data[f] = enlarged(this.data[f] as ColumnArray, arrayOf(dtype, this.#capacity * width(rowShape)))
    }
    if (this.ids !== undefined) this.ids = enlarged(this.ids, new Int32Array(this.#capacity))
    if (this.#missing !== undefined) this.#missing = enlarged(this.#missing, new Uint8Array(this.#capacity))
  }

  /** Says that a row has no value in a field; in its group, where `field` is the number of fields. */
  miss(row: number, field: number): void {
    this.#missing ??= new Uint8Array(this.#capacity)
    this.#missing[row] = 1 + field
  }

  /** What was filled, after the policy for missing values; undefined where that leaves no row. */
  batch(firstRow: number, names: readonly string[], locate: (row: number) => string): Batch | undefined {
    if (this.#given < this.#fields.length) (this.data[weightField] as Float32Array).fill(1)
    const kept = this.#missing === undefined ? undefined : this.#resolve(this.#missing, locate)
    if (this.#nulls === 'zero-weight') this.#remember(this.#missing?.subarray(0, this.rows).indexOf(0) ?? 0)
    this.#missing = undefined
    const { rows } = this
    if (rows === 0) return undefined
    const columns = this.#fields.map(({ dtype, rowShape }, f): Column => {
      const data = (this.data[f] as ColumnArray).subarray(0, rows * width(rowShape))
      return { data, dtype, shape: [rows, ...rowShape] }
    })
    const rowNumbers = kept && Float64Array.from(kept, row => firstRow + row)
    return {
      columns,
      rows,
      firstRow: rowNumbers?.[0] ?? firstRow,
      ...(rowNumbers && { rowNumbers }),
      ...(this.ids && { groups: { ids: this.ids.subarray(0, rows), names } }),
      locate: row => locate(kept === undefined ? row : (kept[row] as number)),
    }
  }

  /** Applies the policy. Gives the rows that are left, where some are left out. */
  #resolve(missing: Uint8Array, locate: (row: number) => string): Int32Array | undefined {
    const { rows } = this
    const isLost = this.#nulls === 'error' ? 1 : this.#nulls === 'zero-weight' ? 1 + this.#given : Infinity
    const refused = missing.subarray(0, rows).findIndex(field => field >= isLost)
    if (refused >= 0) throw this.#error((missing[refused] as number) - 1, locate(refused))
    if (this.#nulls === 'zero-weight') {
      this.#fill(missing)
      return undefined
    }
    const kept = new Int32Array(rows)
    let count = 0
    for (let row = 0; row < rows; row++) if (missing[row] === 0) kept[count++] = row
    this.#keep(kept.subarray(0, count))
    return kept.subarray(0, count)
  }

  #error(field: number, where: string): DataError {
    if (field === this.#given) {
      return new DataError(`column "${this.#by}": ${where} has no value. --nulls skip leaves such rows out.`)
    }
    return new DataError(
      `${this.#fields[field]?.name}: ${where} has no value (NULL). ` +
        '--nulls skip leaves such rows out, --nulls zero-weight gives them weight 0.',
    )
  }

  #keep(kept: Int32Array): void {
    for (const [f, { rowShape }] of this.#fields.entries()) {
      const [data, numbers] = [this.data[f] as ColumnArray, width(rowShape)]
      for (let i = 0; i < kept.length; i++) {
        const row = kept[i] as number
        if (row !== i) data.copyWithin(i * numbers, row * numbers, (row + 1) * numbers)
      }
    }
    for (let i = 0; i < kept.length; i++) if (this.ids) this.ids[i] = this.ids[kept[i] as number] as number
    this.rows = kept.length
  }

  /**
   * Rows of weight 0 get the values of another row: some values would be refused whatever their weight, and what was there
   * is no value.
   */
  #fill(missing: Uint8Array): void {
    const first = missing.subarray(0, this.rows).indexOf(0)
    for (let row = 0; row < this.rows; row++) {
      if (missing[row] === 0) continue
      for (const [f, { rowShape }] of this.#fields.entries()) {
        const [data, numbers] = [this.data[f] as ColumnArray, width(rowShape)]
        const from = row > 0 ? row - 1 : first
        if (from >= 0) data.copyWithin(row * numbers, from * numbers, (from + 1) * numbers)
        else put(data, row * numbers, this.#valid?.[f], numbers)
      }
    }
    const weights = this.data[weightField] as ColumnArray
    const numbers = weights.length / this.#capacity
    for (let row = 0; row < this.rows; row++) {
      if (missing[row] !== 0) weights.fill(zero(weights) as never, row * numbers, (row + 1) * numbers)
    }
  }

  #remember(row: number): void {
    if (row < 0 || row >= this.rows) return
    this.#valid = this.#fields.map(({ rowShape }, f) => {
      const numbers = width(rowShape)
      return (this.data[f] as ColumnArray).slice(row * numbers, (row + 1) * numbers)
    })
  }
}

function zero(data: ColumnArray): number | bigint {
  return data instanceof BigInt64Array ? 0n : 0
}

function put(to: ColumnArray, at: number, from: ColumnArray | undefined, numbers: number): void {
  // Both sides are of one kind, which the compiler cannot see.
  if (from === undefined) to.fill(zero(to) as never, at, at + numbers)
  else (to as Float64Array).set(from as Float64Array, at)
}

function enlarged<T extends ColumnArray>(old: T, larger: T): T {
  ;(larger as Float64Array).set(old as Float64Array)
  return larger
}
