import type { Command } from 'commander'
import { UsageError } from '../../evaluate/errors.ts'

export interface PlaceFlags {
  readonly url?: string
  readonly queue?: string
}

export function placeFlags(command: Command): Command {
  return command
    .helpOption('-h, --help', 'print this help')
    .option('--url <url>', 'redis://… (Redis, Valkey) or postgres://…; better kept in LOSSKIT_CLUSTER_URL')
    .option('--queue <name>', 'runs of one queue share its workers (default losskit)')
}

export function placeOf({ url = process.env.LOSSKIT_CLUSTER_URL, queue }: PlaceFlags): {
  url: string
  queue: string | undefined
} {
  if (url === undefined) throw new UsageError('where is the queue? Give --url or set LOSSKIT_CLUSTER_URL.')
  return { url, queue }
}
