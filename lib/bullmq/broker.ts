import { setTimeout as sleep } from 'node:timers/promises'
import type * as BullMQ from 'bullmq'
import { EvaluateError, UsageError } from '../evaluate/errors.ts'
import { peer } from '../evaluate/peer.ts'
import { ClusterError } from './errors.ts'

/** Where the shards of a run wait for workers. */
export interface Place {
  /** `redis://…` or `rediss://…`, of Redis or Valkey, or `postgres://…`. */
  readonly url: string
  /** Workers serve one queue; runs of one queue share its workers (default `losskit`). */
  readonly queue?: string | undefined
}

/** BullMQ, and what its classes take to reach one server. */
export interface Broker {
  readonly bullmq: typeof BullMQ
  readonly queue: string
  readonly connection: BullMQ.ConnectionOptions
  readonly factory: BullMQ.BackendFactory
  /** The URL without its password, for messages. */
  readonly name: string
}

/** A program that asks gives up after some seconds; a worker that has been at work waits until the server is back. */
export async function brokerOf({ url, queue = 'losskit' }: Place, patient: boolean): Promise<Broker> {
  const { protocol, name } = parse(url)
  const bullmq = await peer<typeof BullMQ>('bullmq', 'Clusters')
  if (protocol.startsWith('postgres')) {
    await peer('pg', 'Clusters over PostgreSQL')
    const connection = { connectionString: url, migrate: true, connectionTimeoutMillis: patience }
    // One type for both servers: BullMQ's classes only hand the connection on to the factory that belongs to it.
    return {
      bullmq,
      queue,
      name,
      connection: connection as BullMQ.ConnectionOptions,
      factory: bullmq.createPostgresBackend as BullMQ.BackendFactory,
    }
  }
  await peer('ioredis', 'Clusters over Redis')
  // Who asks begins again with all of it; see withQueue.
  const retryStrategy = (tries: number) => (patient ? Math.min(tries * retryDelay, 2000) : null)
  const connection = { url: url.replace(/^valkey/, 'redis'), maxRetriesPerRequest: null, retryStrategy }
  return { bullmq, queue, name, connection, factory: bullmq.createRedisBackend as BullMQ.BackendFactory }
}

/** Milliseconds to wait for a server, and between two attempts to reach it. */
const patience = 5000
const retryDelay = 250

function parse(url: string): { protocol: string; name: string } {
  const known = ['redis:', 'rediss:', 'valkey:', 'valkeys:', 'postgres:', 'postgresql:']
  if (!URL.canParse(url) || !known.includes(new URL(url).protocol)) {
    throw new UsageError(
      `"${url}" is no address of a server. It is redis://host:6379 (Redis, Valkey) or postgres://user@host/database.`,
    )
  }
  const parsed = new URL(url)
  const { protocol } = parsed
  parsed.password = ''
  return { protocol, name: parsed.href }
}

/** Runs `ask` with a queue of the broker, which is closed afterwards. */
export async function withQueue<T>(broker: Broker, ask: (queue: BullMQ.Queue) => Promise<T>): Promise<T> {
  const { bullmq, connection, factory } = broker
  for (const end = Date.now() + patience; ; ) {
    const queue = new bullmq.Queue(broker.queue, { connection }, factory) as BullMQ.Queue
    // What goes wrong rejects what was asked for; without a listener it would end the process as well.
    queue.on('error', () => {})
    try {
      await queue.waitUntilReady()
      return await ask(queue)
    } catch (cause) {
      if (cause instanceof EvaluateError) throw cause
      // A server that starts, or starts again, refuses for a while.
      if (Date.now() > end) {
        throw new ClusterError(`the queue at ${broker.name} does not answer: ${reason(cause)}.`, { cause })
      }
      await sleep(retryDelay)
    } finally {
      await queue.close().catch(() => {})
    }
  }
}

export function reason(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reason(error.errors[0])
  return error instanceof Error ? error.message.replace(/\.$/, '') : String(error)
}
