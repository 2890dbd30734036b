import type { Command } from 'commander'
import { type Place, result } from '../../bullmq/index.ts'
import { about } from '../../evaluate/page/about.ts'
import { type AnswerFlags, answer, answerFlags, checkAnswerFlags } from '../answer.ts'
import { type PlaceFlags, placeFlags, placeOf } from './place.ts'

export function resultCommand(cluster: Command, done: (code: number) => void): void {
  const command = cluster
    .command('result')
    .description('print what a run that is done has found, as "losskit evaluate" would')
  placeFlags(command.argument('<id>', 'of the run'))
  answerFlags(command)
  command.action(async (id: string, flags: PlaceFlags & AnswerFlags) =>
    done(await answerOf({ ...placeOf(flags), id }, flags)),
  )
}

/** Prints what a run has found, after `wait`. */
export function answerOf(
  run: Place & { readonly id: string },
  flags: AnswerFlags,
  wait: () => Promise<void> = async () => {},
): Promise<number> {
  return answer(flags, async () => {
    await wait()
    const found = await result(run)
    const { data, columns, plan } = found.run
    checkAnswerFlags(flags, plan)
    return { report: found.tally.report(), about: async () => about(data, columns, plan) }
  })
}
