import type { Worker } from 'bullmq'
import { type Broker, brokerOf, type Place, reason } from './broker.ts'
import type { WorkerEvent } from './events.ts'
import { type AnyJob, isShard } from './jobs.ts'
import { Labour } from './labour.ts'

export interface WorkOptions extends Place {
  /** Shards computed at the same time (default 1, for each uses all threads). */
  readonly concurrency?: number | undefined
  /** Seconds after which a worker that is silent loses its job to another one (default 30). */
  readonly leaseSeconds?: number | undefined
  readonly onEvent?: ((event: WorkerEvent) => void) | undefined
}

export interface Work {
  /**
   * Takes no more jobs, and resolves when the last one is done. A shard that takes longer than `graceSeconds` (default 20)
   * is given back to the queue; called again with 0, at once.
   */
  stop(graceSeconds?: number): Promise<void>
}

/** Jobs of a worker that dies are given to others this often, before something is wrong with the jobs themselves. */
const maxStalledCount = 10

/** Takes shards and merges from the queue, one after another, until it is stopped. */
export async function work(options: WorkOptions): Promise<Work> {
  const broker = await brokerOf(options, true)
  const giveBack = new AbortController()
  const onEvent = options.onEvent ?? (() => {})
  const labour = new Labour(broker, giveBack.signal, onEvent)
  const worker = start(broker, labour, options)
  report(worker, onEvent)
  await worker.waitUntilReady()
  onEvent({ type: 'ready', queue: broker.queue })
  let stopping: Promise<void> | undefined
  return {
    async stop(graceSeconds = 20) {
      const timer = setTimeout(() => giveBack.abort(), graceSeconds * 1000)
      stopping ??= worker.close().then(() => labour.close())
      await stopping.finally(() => clearTimeout(timer))
    },
  }
}

function start(broker: Broker, labour: Labour, { concurrency = 1, leaseSeconds = 30 }: WorkOptions): Worker {
  const { bullmq, connection, factory, queue } = broker
  const lockDuration = leaseSeconds * 1000
  return new bullmq.Worker(
    queue,
    (job, token) => labour.process(job as AnyJob, token),
    {
      connection,
      concurrency,
      lockDuration,
      stalledInterval: lockDuration / 2,
      maxStalledCount,
      // After the server was away; BullMQ's own 15 seconds are longer than most shards.
      runRetryDelay: 1000,
    },
    factory,
  ) as Worker
}

function report(worker: Worker, onEvent: (event: WorkerEvent) => void): void {
  worker.on('stalled', jobId => onEvent({ type: 'stalled', jobId }))
  worker.on('failed', (job, error) => {
    if (job === undefined) return
    const failed = job as AnyJob
    onEvent({
      type: 'failed',
      runId: isShard(failed) ? failed.data.runId : (failed.id ?? ''),
      shard: isShard(failed) ? failed.data.shard : undefined,
      message: error.message,
      willRetry: job.finishedOn === undefined,
    })
  })
  // A server that is away says so for every attempt to reach it.
  let last = ''
  worker.on('error', error => {
    const message = reason(error)
    if (message !== last) onEvent({ type: 'trouble', message })
    last = message
  })
}
