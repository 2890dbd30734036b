import { DataError } from '../errors.ts'
import { type Batch, type ColumnArray, type Dtype, type Field, type Source, width } from '../source.ts'
import { dtypeOf } from './arrays.ts'
import { GroupNames } from './group-names.ts'
import type { Range } from './open.ts'

/** An array with its shape, whose first size is the number of rows; bits of half precision also name their type. */
export interface MemoryArray {
  readonly data: ColumnArray
  readonly shape?: readonly number[] | undefined
  readonly dtype?: Dtype | undefined
}

export interface MemoryInputs {
  readonly pred: ColumnArray | MemoryArray
  readonly target: ColumnArray | MemoryArray
  readonly weight?: ColumnArray | MemoryArray | undefined
  /** The group of each row. */
  readonly by?: ArrayLike<string | number | bigint> | undefined
}

export interface MemoryOptions {
  /** Rows of a batch. */
  readonly chunkRows?: number | undefined
  /** Only these rows. */
  readonly range?: Range | undefined
}

const batchNumbers = 2 ** 17

/**
 * Arrays in memory as a source. They are not copied, so they must stay as they are until the source has been read.
 *
 * @example
 * await evaluate(memorySource({ pred, target, by: segments }), { losses: [{ loss: 'mse' }], by: 'segment' })
 */
export function memorySource(inputs: MemoryInputs, options: MemoryOptions = {}): Source {
  const { pred, target, weight, by } = inputs
  const arrays = Object.entries({ pred, target, ...(weight && { weight }) }).map(([name, array]) =>
    memoryArray(name, array),
  )
  const lengths = [...arrays, ...(by === undefined ? [] : [{ field: { name: 'by' }, rows: by.length }])]
  const [{ rows }] = lengths as unknown as readonly [{ rows: number }]
  const other = lengths.find(array => array.rows !== rows)
  if (other !== undefined) {
    throw new DataError(
      `pred has ${rows} rows, ${other.field.name} has ${other.rows}. Every row needs its partner.`,
    )
  }
  let done = 0
  return {
    fields: arrays.map(({ field }) => field),
    rows,
    split: 1,
    get progress() {
      return { done, total: rows }
    },
    async *[Symbol.asyncIterator]() {
      for (const batch of batches(arrays, rows, by, options)) {
        yield batch
        done = batch.firstRow + batch.rows
      }
    },
    close: async () => {},
  }
}

interface Rows {
  readonly field: Field
  readonly data: ColumnArray
  readonly rows: number
}

function memoryArray(name: string, given: ColumnArray | MemoryArray): Rows {
  const {
    data,
    shape,
    dtype = undefined,
  } = ArrayBuffer.isView(given) ? { data: given, shape: undefined } : given
  const [rows = data.length, ...rowShape] = shape ?? [data.length]
  if (rows * width(rowShape) !== data.length) {
    throw new DataError(`${name}: its shape takes ${rows * width(rowShape)} numbers, it has ${data.length}.`)
  }
  return { field: { name, dtype: dtype ?? dtypeOf(data), rowShape }, data, rows }
}

function* batches(
  arrays: readonly Rows[],
  rows: number,
  by: MemoryInputs['by'],
  { chunkRows, range = { first: 0, end: rows } }: MemoryOptions,
): Generator<Batch, void, undefined> {
  const groups = new GroupNames()
  const widest = Math.max(...arrays.map(({ field }) => width(field.rowShape)))
  const chunk = chunkRows ?? Math.ceil(batchNumbers / widest)
  const end = Math.min(rows, range.end)
  for (let firstRow = range.first; firstRow < end; firstRow += chunk) {
    const count = Math.min(chunk, end - firstRow)
    const ids =
      by && Int32Array.from({ length: count }, (_, i) => groups.idOf(by[firstRow + i] as string | number))
    yield {
      columns: arrays.map(({ field: { dtype, rowShape }, data }) => {
        const numbers = width(rowShape)
        const part = data.subarray(firstRow * numbers, (firstRow + count) * numbers)
        return { data: part, dtype, shape: [count, ...rowShape] }
      }),
      rows: count,
      firstRow,
      locate: row => `row ${firstRow + row}`,
      ...(ids && { groups: { ids, names: groups.names } }),
    }
  }
}
