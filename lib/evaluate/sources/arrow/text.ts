import type { Vector } from 'apache-arrow'
import { isSet } from '../../../duckdb/vectors.ts'
import type { ChunkGroups } from '../assemble.ts'
import type { GroupNames } from '../group-names.ts'
import { dataOf, maskOf } from './numbers.ts'

/** The ids of the groups that a column names: by texts, in a dictionary or not, or by numbers. */
export function readGroups(column: Vector, rows: number, groups: GroupNames): ChunkGroups {
  const data = dataOf(column)
  const mask = maskOf(data)
  const ids = new Int32Array(rows)
  const missing: number[] = []
  const { dictionary } = data
  // Of a dictionary each text is looked up once, when its first row comes.
  const known = new Map<number, number>()
  for (let row = 0; row < rows; row++) {
    if (mask !== undefined && !isSet(mask, row)) missing.push(row)
    else if (dictionary === undefined) ids[row] = groups.idOf(nameOf(column.get(row)))
    else {
      const index = Number((data.values as Int32Array)[row])
      const id = known.get(index) ?? groups.idOf(nameOf(dictionary.get(index)))
      known.set(index, id)
      ids[row] = id
    }
  }
  return { ids, missing }
}

function nameOf(value: unknown): string | number | bigint {
  return typeof value === 'number' || typeof value === 'bigint' ? value : String(value)
}
