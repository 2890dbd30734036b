import { resolve } from 'node:path'
import type { FlowJob, Queue } from 'bullmq'
import { UsageError } from '../evaluate/errors.ts'
import { absolute } from '../evaluate/partial/data.ts'
import { describeRun } from '../evaluate/partial/run.ts'
import type { Plan } from '../evaluate/plan.ts'
import type { Inputs } from '../evaluate/sources/open.ts'
import { type Broker, brokerOf, type Place, withQueue } from './broker.ts'
import { allShards, type RunData, type RunJob, runId, type ShardJob, shardId, toJob } from './jobs.ts'
import { load } from './results.ts'

export interface SubmitOptions extends Place {
  readonly inputs: Inputs
  readonly plan: Plan
  /** Into how many shards the rows are cut. By default, or by `shardRows`, the data decides, never the workers. */
  readonly shards?: number | undefined
  /** Rows of a shard, about (default 1 048 576). */
  readonly shardRows?: number | undefined
  readonly chunkRows?: number | undefined
  /** A folder that all workers share, for partial results above 256 KiB. */
  readonly store?: string | undefined
  /** How often a shard is tried that fails for a reason which may pass, such as a file that is not there (default 5). */
  readonly attempts?: number | undefined
  /** Days after which a finished run is forgotten (default 7). */
  readonly keepDays?: number | undefined
}

export interface Submitted {
  readonly id: string
  readonly rows: number
  readonly shards: number
  /** `known`: the same run had been submitted before; `revived`: and had failed shards, which are tried again. */
  readonly was: 'new' | 'known' | 'revived'
}

/** Puts a run into the queue, where workers find it. A run that is there already stays as it is. */
export async function submit(options: SubmitOptions): Promise<Submitted> {
  const { plan, chunkRows, store } = options
  const inputs = absolute(options.inputs)
  const run = await describeRun(inputs, plan)
  const shards = shardCount(options, run.rows)
  const data: RunData = {
    run,
    inputs,
    shards,
    chunkRows,
    store: store === undefined ? store : resolve(store),
  }
  const id = runId(data)
  const broker = await brokerOf(options, false)
  return withQueue(broker, async queue => {
    const known = await queue.getJob(id)
    if (known === undefined) await add(broker, id, data, options)
    const was = known === undefined ? 'new' : (await revive(queue, known, data)) ? 'revived' : 'known'
    return { id, rows: run.rows, shards, was }
  })
}

function shardCount({ shards, shardRows = 2 ** 20 }: SubmitOptions, rows: number): number {
  const count = shards ?? Math.max(1, Math.ceil(rows / shardRows))
  if (!Number.isSafeInteger(count) || count < 1 || count > most) {
    throw new UsageError(`${count} shards are not possible. It takes a whole number from 1 to ${most}.`)
  }
  return count
}

const most = 100_000

async function add(broker: Broker, id: string, data: RunData, options: SubmitOptions): Promise<void> {
  const { attempts = 5, keepDays = 7 } = options
  const opts = {
    attempts,
    backoff: { type: 'exponential', delay: 1000, jitter: 0.5 },
    removeOnComplete: { age: keepDays * 86_400 },
    removeOnFail: { age: keepDays * 86_400 },
  }
  const queueName = broker.queue
  const flow: FlowJob = {
    name: 'merge',
    queueName,
    data: toJob(data),
    opts: { ...opts, jobId: id },
    children: allShards(data.shards).map(shard => ({
      name: 'shard',
      queueName,
      data: { runId: id, shard },
      opts: { ...opts, jobId: shardId(id, shard) },
    })),
  }
  const producer = new broker.bullmq.FlowProducer({ connection: broker.connection }, broker.factory)
  producer.on('error', () => {})
  try {
    await producer.add(flow)
  } finally {
    await producer.close()
  }
}

/** Tries again what has failed for good, and what has lost its result. Says whether there was anything. */
async function revive(queue: Queue, known: RunJob, data: RunData): Promise<boolean> {
  const failedMerge = (await known.getState()) === 'failed'
  const failed = (await queue.getFailed()).filter(job => job.data.runId === known.id)
  if (failed.length === 0 && !failedMerge) return false
  await known.updateData({ ...known.data, store: data.store })
  for (const job of failed) await job.retry('failed', { resetAttemptsMade: true })
  if (failedMerge) {
    for (const job of await shardsWithoutResult(queue, known))
      await job.retry('completed', { resetAttemptsMade: true })
    await known.retry('failed', { resetAttemptsMade: true })
  }
  return true
}

async function shardsWithoutResult(queue: Queue, { id = '', data }: RunJob): Promise<readonly ShardJob[]> {
  const jobs = await Promise.all(
    allShards(data.shards).map(async shard => {
      const job: ShardJob | undefined = await queue.getJob(shardId(id, shard))
      if (job === undefined || (await job.getState()) !== 'completed') return undefined
      return load(job.returnvalue).then(
        () => undefined,
        () => job,
      )
    }),
  )
  return jobs.filter(job => job !== undefined)
}
