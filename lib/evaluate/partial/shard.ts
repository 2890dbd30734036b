import { UsageError } from '../errors.ts'

/** One of `count` cuts of all rows, counted from 1: 3/10 is the third of ten. */
export interface Shard {
  readonly index: number
  readonly count: number
}

/** The rows from `first` on, without `end`, numbered in the whole data. */
export interface RowRange {
  readonly first: number
  readonly end: number
}

/** `3/10` as it is written on the command line. */
export function parseShard(text: string): Shard {
  const [, index = 0, count = 0] = (/^(\d{1,9})\/(\d{1,9})$/.exec(text.trim()) ?? []).map(Number)
  if (index < 1 || index > count) {
    throw new UsageError(`"${text}" is no shard. Shards are counted from 1: 1/10, 2/10 and so on to 10/10.`)
  }
  return { index, count }
}

export function shardText({ index, count }: Shard): string {
  return `${index}/${count}`
}

/** Row by row the shards of one count are all rows, whatever the count; where it is above `rows`, some are empty. */
export function rowsOf({ index, count }: Shard, rows: number): RowRange {
  return { first: cut(index - 1, count, rows), end: cut(index, count, rows) }
}

function cut(index: number, count: number, rows: number): number {
  return Number((BigInt(index) * BigInt(rows)) / BigInt(count))
}
