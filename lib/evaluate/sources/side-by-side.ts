import { DataError } from '../errors.ts'
import { type Batch, fieldShape, type Source } from '../source.ts'

/** Several sources as one whose columns stand beside each other: predictions from one file, targets from another. */
export function sideBySide(sources: readonly Source[]): Source {
  const [first] = sources
  if (first === undefined) throw new RangeError('no sources')
  const fields = sources.flatMap(source => source.fields)
  return {
    fields,
    rows: knownRows(sources),
    split: first.split,
    get progress() {
      const parts = sources.map(source => source.progress)
      const total = parts.reduce<number | undefined>(
        (sum, part) => (sum === undefined || part.total === undefined ? undefined : sum + part.total),
        0,
      )
      return { done: parts.reduce((sum, part) => sum + part.done, 0), total }
    },
    [Symbol.asyncIterator]: () => batches(sources),
    close: async () => {
      await Promise.all(sources.map(source => source.close()))
    },
  }
}

/** Sources that know their length must agree before anything is read. */
function knownRows(sources: readonly Source[]): number | undefined {
  const known = sources.filter(source => source.rows !== undefined)
  const [first] = known
  const other = known.find(source => source.rows !== first?.rows)
  if (first !== undefined && other !== undefined) {
    const [a, b] = [first, other].map(source => {
      const [field] = source.fields
      return field === undefined
        ? ''
        : `${field.name} has ${source.rows} rows (shape ${fieldShape(field, source.rows)})`
    })
    throw new DataError(`${a}, ${b}. Every row needs its partner.`)
  }
  return first?.rows
}

/** Sources with one chunk size move in step; of others, every batch takes what the shortest pending one allows. */
async function* batches(sources: readonly Source[]): AsyncGenerator<Batch, void, undefined> {
  const lanes = sources.map(source => new Lane(source))
  const lanesOfColumns = sources.flatMap((source, lane) => source.fields.map(() => lane))
  let ended = 0
  try {
    for (;;) {
      await Promise.all(lanes.map(lane => lane.fill()))
      const rows = Math.min(...lanes.map(lane => lane.pending))
      if (rows === 0) {
        checkEnds(lanes, ended)
        return
      }
      const parts = lanes.map(lane => lane.take(rows))
      const firstRow = parts[0]?.firstRow ?? 0
      yield {
        columns: parts.flatMap(part => part.columns),
        rows,
        firstRow,
        locate: (row, column = 0) => parts[lanesOfColumns[column] ?? 0]?.locate(row) ?? '',
      }
      ended = firstRow + rows
    }
  } finally {
    await Promise.all(sources.map(source => source.close()))
  }
}

function checkEnds(lanes: readonly Lane[], rows: number): void {
  const ended = lanes.find(lane => lane.pending === 0)
  const longer = lanes.find(lane => lane.pending > 0)
  if (ended === undefined || longer === undefined) return
  throw new DataError(
    `${ended.name} ends after ${rows} rows, ${longer.name} has more. Every row needs its partner.`,
  )
}

/** One source and the part of its current batch that is not taken yet. */
class Lane {
  readonly name: string
  pending = 0
  private readonly iterator: AsyncIterator<Batch>
  private batch: Batch | undefined
  private taken = 0

  constructor(source: Source) {
    this.name = source.fields[0]?.name ?? ''
    this.iterator = source[Symbol.asyncIterator]()
  }

  /** Makes sure that rows are pending, unless the source has ended. */
  async fill(): Promise<void> {
    if (this.pending > 0) return
    const { done, value } = await this.iterator.next()
    this.batch = done === true ? undefined : value
    this.pending = this.batch?.rows ?? 0
    this.taken = 0
  }

  take(rows: number): Pick<Batch, 'columns' | 'firstRow' | 'locate'> {
    const { batch, taken } = this
    if (batch === undefined) throw new RangeError('nothing is pending')
    this.taken += rows
    this.pending -= rows
    if (taken === 0 && rows === batch.rows) return batch
    const columns = batch.columns.map(({ data, dtype, shape: [, ...rowShape] }) => {
      const numbers = data.length / batch.rows
      return {
        data: data.subarray(taken * numbers, (taken + rows) * numbers),
        dtype,
        shape: [rows, ...rowShape],
      }
    })
    return { columns, firstRow: batch.firstRow + taken, locate: row => batch.locate(taken + row) }
  }
}
