import { canonical } from '../canonical.ts'
import { PartialError } from '../errors.ts'
import { type Plan, planBytes, readPlan } from '../plan.ts'
import type { FilePrint } from './fingerprint.ts'
import { type RowRange, rowsOf, type Shard } from './shard.ts'

/** What all shards of one run have in common. */
export interface Run {
  /** The version of losskit. */
  readonly losskit: string
  /** The files, in the order in which their rows are numbered. */
  readonly data: readonly FilePrint[]
  /** Which columns of them are evaluated and how they are read, without the names of files. */
  readonly columns: Readonly<Record<string, unknown>>
  readonly plan: Plan
  /** Of all shards together. */
  readonly rows: number
}

/** A run as plain JSON, whatever its plan holds. */
export function runJson(run: Run): Run {
  return { ...run, plan: JSON.parse(new TextDecoder().decode(planBytes(run.plan))) as Plan }
}

export interface Header {
  readonly run: Run
  readonly shard: Shard
}

/** Canonical JSON: equal headers have equal bytes. */
export function headerBytes({ run, shard }: Header): Uint8Array {
  return new TextEncoder().encode(canonical({ ...runJson(run), shard, ...rowsOf(shard, run.rows) }))
}

/** Reads a header whose checksum is right, so that what does not fit was written by another program. */
export function readHeader(name: string, bytes: Uint8Array): Header {
  try {
    const { shard, first, end, plan, ...run } = JSON.parse(new TextDecoder().decode(bytes)) as Run &
      RowRange & { shard: Shard }
    const range = rowsOf(shard, run.rows)
    const isWhole = [shard.index, shard.count, run.rows].every(Number.isSafeInteger)
    const fits = range.first === first && range.end === end && shard.index >= 1 && shard.index <= shard.count
    if (
      isWhole &&
      fits &&
      typeof run.losskit === 'string' &&
      Array.isArray(run.data) &&
      isObject(run.columns)
    ) {
      return { run: { ...run, plan: readPlan(plan) }, shard }
    }
  } catch {}
  throw new PartialError(`${name}: its header is not one that losskit writes.`)
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}
