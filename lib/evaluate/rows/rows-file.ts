import { extname } from 'node:path'
import { UsageError } from '../errors.ts'
import type { Plan } from '../plan.ts'
import type { RowSink } from '../tally.ts'
import { openCsvRows } from './csv-rows.ts'
import { openNpyRows } from './npy-rows.ts'
import { openParquetRows } from './parquet-rows.ts'

/** A file of the losses of all rows. It appears under its name when it is finished, or never. */
export interface RowsFile {
  readonly write: RowSink
  finish(signal: AbortSignal | undefined): Promise<void>
  discard(): Promise<void>
}

/** What the columns of such a file are called. */
export interface RowColumns {
  readonly losses: readonly string[]
  readonly by: string | undefined
}

const kinds: Readonly<Record<string, (path: string, columns: RowColumns) => Promise<RowsFile>>> = {
  '.csv': openCsvRows,
  '.npy': openNpyRows,
  '.parquet': openParquetRows,
}

/** A file of the kind that its extension says. */
export async function openRows(path: string, plan: Plan): Promise<RowsFile> {
  const open = kinds[extname(path).toLowerCase()]
  if (open === undefined) {
    throw new UsageError(`${path}: losses of rows are written as ${Object.keys(kinds).join(', ')}.`)
  }
  return open(path, { losses: columnNames(plan), by: plan.by })
}

/** A loss that is asked for several times, with other options, has a number from the second time on. */
function columnNames({ losses }: Plan): readonly string[] {
  const seen = new Map<string, number>()
  return losses.map(({ loss }) => {
    const times = (seen.get(loss) ?? 0) + 1
    seen.set(loss, times)
    return times === 1 ? loss : `${loss}_${times}`
  })
}
