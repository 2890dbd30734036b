import type { Command } from 'commander'
import { work } from '../../bullmq/index.ts'
import { exit } from '../exit.ts'
import { number, positiveWhole } from '../flags.ts'
import { type PlaceFlags, placeFlags, placeOf } from './place.ts'
import { logOf } from './worker-log.ts'

interface WorkFlags extends PlaceFlags {
  readonly concurrency?: number
  readonly lease?: number
  readonly grace?: number
  readonly quiet?: boolean
}

export function workCommand(cluster: Command, done: (code: number) => void): void {
  const command = cluster
    .command('work')
    .description(
      'take shards from the queue until stopped by SIGTERM or Ctrl-C, which finishes the shard at hand',
    )
  placeFlags(command)
    .option('--concurrency <n>', 'shards at the same time (default 1, which uses all threads)', positiveWhole)
    .option(
      '--lease <seconds>',
      'after so long a silence a shard goes to another worker (default 30)',
      number,
    )
    .option('--grace <seconds>', 'when stopped, a shard that takes longer is given back (default 20)', number)
    .option('--quiet', 'tell only of trouble')
  command.action(async (flags: WorkFlags) => {
    const { concurrency, lease, grace, quiet = false } = flags
    const log = logOf(quiet)
    const worker = await work({ ...placeOf(flags), concurrency, leaseSeconds: lease, onEvent: log })
    await stopped(graceful => worker.stop(graceful ? grace : 0))
    done(exit.fine)
  })
}

/** Resolves when `stop` has, which the first signal calls, and the second one once more for a quick end. */
function stopped(stop: (graceful: boolean) => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    let signals = 0
    const heard = () => {
      signals++
      if (signals > 2) process.exit(exit.interrupted)
      stop(signals === 1).then(resolve, reject)
    }
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, heard)
  })
}
