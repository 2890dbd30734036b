import type { Command } from 'commander'
import { result, status } from '../../bullmq/index.ts'
import { type AnswerFlags, answer, answerFlags, checkAnswerFlags } from '../answer.ts'
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

export function resultCommand(cluster: Command, done: (code: number) => void): void {
  const command = cluster
    .command('result')
    .description('print what a run that is done has found, as "losskit evaluate" would')
  placeFlags(command.argument('<id>', 'of the run'))
  answerFlags(command)
  command.action(async (id: string, flags: PlaceFlags & AnswerFlags) => {
    const { run, tally } = await result({ ...placeOf(flags), id })
    checkAnswerFlags(flags, run.plan)
    done(answer(tally.report(), flags))
  })
}
