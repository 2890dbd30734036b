import type { WorkerEvent } from '../../bullmq/index.ts'
import { shardText } from '../../evaluate/partial/shard.ts'

/** Writes what a worker does to stderr, a line for each event but for progress. */
export function logOf(quiet: boolean): (event: WorkerEvent) => void {
  return event => {
    const text = lineOf(event, quiet)
    if (text !== undefined) process.stderr.write(`${new Date().toISOString()} ${text}\n`)
  }
}

function lineOf(event: WorkerEvent, quiet: boolean): string | undefined {
  switch (event.type) {
    case 'trouble':
      return `trouble: ${event.message}`
    case 'failed': {
      const what = event.shard === undefined ? 'merge' : `shard ${shardText(event.shard)}`
      return `failed ${what} of ${event.runId}${event.willRetry ? ', will be tried again' : ''}: ${event.message}`
    }
    case 'stalled':
      return `a worker went silent, so ${event.jobId} is in the queue again`
    case 'returned':
      return `gave back shard ${shardText(event.shard)} of ${event.runId}`
    case 'progress':
    case 'started':
    case 'merging':
      return undefined
  }
  if (quiet) return undefined
  switch (event.type) {
    case 'ready':
      return `ready: waits for shards in the queue ${event.queue}`
    case 'done':
      return `did shard ${shardText(event.shard)} of ${event.runId} in ${seconds(event.milliseconds)}`
    case 'merged':
      return `merged ${event.runId} in ${seconds(event.milliseconds)}`
  }
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`
}
