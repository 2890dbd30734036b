import type { Batch, Column, Dtype, Field, Source } from '../../lib/evaluate/source.ts'
import { width } from '../../lib/evaluate/source.ts'

export interface MemoryColumn {
  readonly name: string
  readonly data: Column['data']
  readonly rowShape?: readonly number[]
  readonly dtype?: Dtype
}

const dtypes = new Map<unknown, Dtype>([
  [Float32Array, 'float32'],
  [Float64Array, 'float64'],
  [Int8Array, 'int8'],
  [Uint8Array, 'uint8'],
  [Int16Array, 'int16'],
  [Uint16Array, 'uint16'],
  [Int32Array, 'int32'],
  [Uint32Array, 'uint32'],
  [BigInt64Array, 'int64'],
])

/**
 * Arrays as a source, cut after the given numbers of rows. It is as strict as its contract: the arrays of a batch are
 * overwritten as soon as the batch after the next one is asked for.
 */
export function memorySource(
  columns: readonly MemoryColumn[],
  cuts: readonly number[],
  { tellsRows = false } = {},
): Source & { closed: number } {
  const fields = columns.map(({ name, data, rowShape = [], dtype }): Field => {
    return { name, rowShape, dtype: dtype ?? dtypes.get(data.constructor) ?? 'float32' }
  })
  const rows = cuts.reduce((sum, cut) => sum + cut, 0)
  async function* batches(): AsyncGenerator<Batch, void, undefined> {
    const given: Batch[] = []
    let firstRow = 0
    for (const cut of cuts) {
      const old = given.at(-2)
      for (const { data } of old?.columns ?? []) {
        if (data instanceof BigInt64Array) data.fill(-77n)
        else data.fill(77)
      }
      const start = firstRow
      const batch: Batch = {
        columns: columns.map(({ data }, c) => {
          const { dtype, rowShape } = fields[c] as Field
          const numbers = width(rowShape)
          return {
            data: data.slice(start * numbers, (start + cut) * numbers),
            dtype,
            shape: [cut, ...rowShape],
          }
        }),
        rows: cut,
        firstRow,
        locate: row => `row ${start + row}`,
      }
      given.push(batch)
      yield batch
      firstRow += cut
    }
  }
  const source = {
    fields,
    rows: tellsRows ? rows : undefined,
    split: 1,
    progress: { done: 0, total: undefined },
    closed: 0,
    [Symbol.asyncIterator]: batches,
    close: async () => {
      source.closed++
    },
  }
  return source
}
