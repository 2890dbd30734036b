import type { Shard } from '../evaluate/partial/shard.ts'

/** What a worker tells of its work, for logs. */
export type WorkerEvent =
  | { readonly type: 'ready'; readonly queue: string }
  | { readonly type: 'started'; readonly runId: string; readonly shard: Shard; readonly attempt: number }
  | {
      readonly type: 'progress'
      readonly runId: string
      readonly shard: Shard
      readonly rows: number
      readonly of: number
    }
  | { readonly type: 'done'; readonly runId: string; readonly shard: Shard; readonly milliseconds: number }
  /** The worker stops before the shard is done; another one does it. */
  | { readonly type: 'returned'; readonly runId: string; readonly shard: Shard }
  | { readonly type: 'merging'; readonly runId: string }
  | { readonly type: 'merged'; readonly runId: string; readonly milliseconds: number }
  | {
      readonly type: 'failed'
      readonly runId: string
      readonly shard: Shard | undefined
      readonly message: string
      readonly willRetry: boolean
    }
  /** Some worker went silent and has lost its job, which is in the queue again. */
  | { readonly type: 'stalled'; readonly jobId: string }
  /** Of the connection, which is made again, or of a job that another worker did in the meantime. */
  | { readonly type: 'trouble'; readonly message: string }
