/** Evaluation by many machines: runs are cut into shards that wait in a queue of BullMQ, on Redis, Valkey or PostgreSQL. */

export type { Place } from './broker.ts'
export { ClusterError } from './errors.ts'
export type { WorkerEvent } from './events.ts'
export { type RunStatus, result, status } from './status.ts'
export { type SubmitOptions, type Submitted, submit } from './submit.ts'
export { type Work, type WorkOptions, work } from './work.ts'
