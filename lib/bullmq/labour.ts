import { setTimeout as sleep } from 'node:timers/promises'
import type { Queue } from 'bullmq'
import { encodePartial } from '../evaluate/partial/format.ts'
import { Merger, wholePartial } from '../evaluate/partial/merge.ts'
import { checkRun, evaluateShard } from '../evaluate/partial/run.ts'
import { shardText } from '../evaluate/partial/shard.ts'
import type { Broker } from './broker.ts'
import { ClusterError } from './errors.ts'
import type { WorkerEvent } from './events.ts'
import {
  type AnyJob,
  allShards,
  fromJob,
  isShard,
  type RunJob,
  type ShardJob,
  shardId,
  shardRows,
} from './jobs.ts'
import { load, type Stored, store } from './results.ts'

/** Milliseconds between two words about how far a shard is. */
const progressInterval = 1000

/** What a worker does with its jobs. */
export class Labour {
  readonly #broker: Broker
  readonly #queue: Queue
  readonly #giveBack: AbortSignal
  readonly #onEvent: (event: WorkerEvent) => void

  constructor(broker: Broker, giveBack: AbortSignal, onEvent: (event: WorkerEvent) => void) {
    const { bullmq, connection, factory, queue } = broker
    this.#broker = broker
    this.#queue = new bullmq.Queue(queue, { connection }, factory) as Queue
    // The worker has the same trouble and reports it.
    this.#queue.on('error', () => {})
    this.#giveBack = giveBack
    this.#onEvent = onEvent
  }

  async close(): Promise<void> {
    await this.#queue.close()
  }

  async process(job: AnyJob, token: string | undefined): Promise<Stored> {
    const { UnrecoverableError, WaitingError } = this.#broker.bullmq
    try {
      return await (isShard(job) ? this.#shard(job) : this.#merge(job))
    } catch (error) {
      if (this.#giveBack.aborted) {
        await job.moveToWait(token)
        if (isShard(job)) this.#onEvent({ type: 'returned', ...job.data })
        throw new WaitingError()
      }
      const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
      const message = error instanceof Error ? error.message : String(error)
      const told = code === undefined ? message : `${code}: ${message}`
      throw isFinal(code) ? new UnrecoverableError(told) : new Error(told, { cause: error })
    }
  }

  async #shard(job: ShardJob): Promise<Stored> {
    const { runId, shard } = job.data
    const began = performance.now()
    this.#onEvent({ type: 'started', runId, shard, attempt: job.attemptsStarted })
    const parent: RunJob | undefined = await this.#queue.getJob(runId)
    if (parent === undefined) throw new ClusterError(`${runId}: the run of this shard is gone.`)
    const { run, inputs, chunkRows, store: folder } = fromJob(parent.data)
    await checkRun(run, inputs)
    let told = began
    const of = shardRows(shard, run.rows)
    const partial = await evaluateShard(run, inputs, shard, {
      chunkRows,
      signal: this.#giveBack,
      onProgress: ({ rows }) => {
        this.#onEvent({ type: 'progress', runId, shard, rows, of })
        if (performance.now() - told < progressInterval) return
        told = performance.now()
        // Nobody has to wait for it, nor to know that it failed.
        job.updateProgress(rows).catch(() => {})
      },
    })
    const stored = await store(encodePartial(partial), `${job.id}`, folder)
    this.#onEvent({ type: 'done', runId, shard, milliseconds: performance.now() - began })
    return stored
  }

  async #merge(job: RunJob): Promise<Stored> {
    const runId = `${job.id}`
    const began = performance.now()
    this.#onEvent({ type: 'merging', runId })
    const results = new Map<string, Stored>(
      Object.entries(await job.getChildrenValues<Stored>()).map(([key, value]) => [idOf(key), value]),
    )
    const merger = new Merger()
    for (const shard of allShards(job.data.shards)) {
      const stored = results.get(shardId(runId, shard))
      if (stored !== undefined) merger.add(`shard ${shardText(shard)}`, await load(stored))
      // Lets locks be renewed between two shards.
      await sleep(0)
      this.#giveBack.throwIfAborted()
    }
    const stored = await store(encodePartial(wholePartial(merger.finish())), runId, job.data.store)
    this.#onEvent({ type: 'merged', runId, milliseconds: performance.now() - began })
    return stored
  }
}

/** Of a child's key, such as `bull:losskit:shard-0a1b…`. */
function idOf(key: string): string {
  return key.slice(key.lastIndexOf(':') + 1)
}

/** What no other attempt will mend: it lies in the data or in what was asked. */
function isFinal(code: string | undefined): boolean {
  return code !== undefined && finalCodes.has(code)
}

const finalCodes = new Set([
  'ERR_DATA',
  'ERR_USAGE',
  'ERR_OPTION',
  'ERR_LABEL',
  'ERR_DOMAIN',
  'ERR_SHAPE',
  'ERR_DTYPE',
])
