import type { Queue } from 'bullmq'
import { Merger } from '../evaluate/partial/merge.ts'
import { brokerOf, type Place, withQueue } from './broker.ts'
import { ClusterError } from './errors.ts'
import type { RunJob, ShardJob } from './jobs.ts'
import { load } from './results.ts'

export interface RunStatus {
  readonly id: string
  /** A run with a failed shard has failed; the others go on, and submitting it again tries the failed ones again. */
  readonly state: 'waiting' | 'running' | 'done' | 'failed'
  readonly rows: number
  readonly rowsDone: number
  readonly shards: {
    readonly all: number
    readonly done: number
    readonly running: number
    readonly failed: number
  }
  readonly failures: readonly string[]
}

/** How far a run is. */
export async function status(place: Place & { readonly id: string }): Promise<RunStatus> {
  return withRun(place, statusOf)
}

/** What a run that is done has found: the same bits as those of one process. */
export async function result(place: Place & { readonly id: string }): Promise<ReturnType<Merger['finish']>> {
  return withRun(place, async (_, job) => {
    if ((await job.getState()) !== 'completed') {
      throw new ClusterError(`${job.id}: is not done. Ask for its status.`)
    }
    return new Merger().add(`${job.id}`, await load(job.returnvalue)).finish()
  })
}

async function withRun<T>(
  place: Place & { readonly id: string },
  ask: (queue: Queue, job: RunJob) => Promise<T>,
): Promise<T> {
  const broker = await brokerOf(place, false)
  return withQueue(broker, async queue => {
    const job: RunJob | undefined = await queue.getJob(place.id)
    if (job === undefined || job.name !== 'merge') {
      throw new ClusterError(
        `${place.id}: there is no such run in the queue ${broker.queue} of ${broker.name}.`,
      )
    }
    return ask(queue, job)
  })
}

async function statusOf(queue: Queue, job: RunJob): Promise<RunStatus> {
  const { id = '', data } = job
  const ofRun = (jobs: readonly ShardJob[]) => jobs.filter(({ data }) => data.runId === id)
  const [state, { processed: done = 0 }, active, failed] = await Promise.all([
    job.getState(),
    job.getDependenciesCount({ processed: true }),
    queue.getActive().then(ofRun),
    queue.getFailed().then(ofRun),
  ])
  const failures = failed.map(({ data: { shard }, failedReason }) => `shard ${shard.index}: ${failedReason}`)
  if (state === 'failed') failures.push(`merging: ${job.failedReason}`)
  const { rows } = data.run
  const part = active.reduce((sum, { progress }) => sum + (typeof progress === 'number' ? progress : 0), 0)
  return {
    id,
    state:
      failures.length > 0
        ? 'failed'
        : state === 'completed'
          ? 'done'
          : done + active.length > 0
            ? 'running'
            : 'waiting',
    rows,
    // Shards differ by a row at most.
    rowsDone: Math.min(rows, Math.round((rows * done) / data.shards) + part),
    shards: { all: data.shards, done, running: active.length, failed: failed.length },
    failures,
  }
}
