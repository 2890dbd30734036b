import { createHash } from 'node:crypto'
import type { Job } from 'bullmq'
import { canonical } from '../evaluate/canonical.ts'
import { type Run, runJson } from '../evaluate/partial/header.ts'
import { rowsOf, type Shard } from '../evaluate/partial/shard.ts'
import { readPlan } from '../evaluate/plan.ts'
import type { Inputs } from '../evaluate/sources/open.ts'
import type { Stored } from './results.ts'

// A run is one job that merges, and its shards are the children of that job: it starts when all of them are done.

export interface RunData {
  readonly run: Run
  readonly inputs: Inputs
  readonly shards: number
  readonly chunkRows?: number | undefined
  /** A folder that all workers share, for what is too large for the queue. */
  readonly store?: string | undefined
}

export interface ShardData {
  readonly runId: string
  readonly shard: Shard
}

export type RunJob = Job<RunData, Stored>
export type ShardJob = Job<ShardData, Stored>
export type AnyJob = RunJob | ShardJob

export function isShard(job: AnyJob): job is ShardJob {
  return job.name === 'shard'
}

/** Equal runs have equal ids, so that a run that is submitted again is the one that is there. */
export function runId({ run, inputs, shards }: RunData): string {
  const data = run.data.map(({ size, sha256 }) => [size, sha256])
  return hash('run', { ...runJson(run), data, inputs, shards })
}

export function shardId(run: string, shard: Shard): string {
  return hash('shard', { run, shard })
}

function hash(kind: string, value: unknown): string {
  return `${kind}-${createHash('sha256').update(canonical(value)).digest('hex').slice(0, 32)}`
}

export function allShards(count: number): readonly Shard[] {
  return Array.from({ length: count }, (_, i) => ({ index: i + 1, count }))
}

export function shardRows({ index, count }: Shard, rows: number): number {
  const { first, end } = rowsOf({ index, count }, rows)
  return end - first
}

/** As it is put into a queue, which keeps JSON, and as it comes back. */
export function toJob(data: RunData): RunData {
  return { ...data, run: runJson(data.run) }
}

export function fromJob(data: RunData): RunData {
  return { ...data, run: { ...data.run, plan: readPlan(data.run.plan) } }
}
