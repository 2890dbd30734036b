import { rowNumber, type Source } from '../../../lib/evaluate/source.ts'
import { type Inputs, type OpenOptions, openInputs } from '../../../lib/evaluate/sources/open.ts'

/** Everything that a source gives, copied, for its arrays are used again. */
export interface Everything {
  readonly columns: readonly (number | bigint)[][]
  readonly rows: readonly number[]
  readonly groups: readonly string[]
  readonly places: readonly string[]
}

export async function readAll(source: Source): Promise<Everything> {
  const columns: (number | bigint)[][] = source.fields.map(() => [])
  const [rows, groups, places]: [number[], string[], string[]] = [[], [], []]
  for await (const batch of source) {
    for (const [c, { data }] of batch.columns.entries()) for (const value of data) columns[c]?.push(value)
    for (let row = 0; row < batch.rows; row++) {
      rows.push(rowNumber(batch, row))
      places.push(batch.locate(row))
      if (batch.groups) groups.push(batch.groups.names[batch.groups.ids[row] as number] as string)
    }
  }
  return { columns, rows, groups, places }
}

export async function readInputs(inputs: Inputs, options: Partial<OpenOptions> = {}): Promise<Everything> {
  return readAll(await openInputs(inputs, { wholeRows: true, ...options }))
}

export async function errorOf(promise: Promise<unknown>): Promise<Error & { readonly code: string }> {
  try {
    await promise
  } catch (error) {
    return error as Error & { readonly code: string }
  }
  throw new Error('nothing was refused')
}
