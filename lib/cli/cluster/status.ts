import type { Command } from 'commander'
import { status } from '../../bullmq/index.ts'
import { exit } from '../exit.ts'
import { type PlaceFlags, placeFlags, placeOf } from './place.ts'

export function statusCommand(cluster: Command, done: (code: number) => void): void {
  const command = cluster.command('status').description('how far a run is; exits with 3 where it has failed')
  placeFlags(command.argument('<id>', 'of the run')).option('--json', 'print one JSON object')
  command.action(async (id: string, flags: PlaceFlags & { json?: boolean }) => {
    const now = await status({ ...placeOf(flags), id })
    const { state, rows, rowsDone, shards, failures } = now
    const counts = `${shards.done} of ${shards.all} shards, ${rowsDone} of ${rows} rows, ${shards.running} running`
    const lines = [`${state}: ${counts}`, ...failures]
    process.stdout.write(flags.json ? `${JSON.stringify(now)}\n` : `${lines.join('\n')}\n`)
    done(state === 'failed' ? exit.data : exit.fine)
  })
}
