import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { ClusterError, type Submitted, status, submit } from '../../bullmq/index.ts'
import { UsageError } from '../../evaluate/errors.ts'
import { type AnswerFlags, answerFlags, checkAnswerFlags } from '../answer.ts'
import { exit } from '../exit.ts'
import { number, positiveWhole } from '../flags.ts'
import { interruptible } from '../interrupt.ts'
import { progressBar } from '../progress.ts'
import { lossList, type QuestionFlags, question, questionFlags } from '../question.ts'
import { type PlaceFlags, placeFlags, placeOf } from './place.ts'
import { answerOf } from './result.ts'

interface SubmitFlags extends PlaceFlags {
  readonly shards?: number
  readonly shardRows?: number
  readonly store?: string
  readonly attempts?: number
  readonly keepDays?: number
  readonly wait?: boolean
}

export function submitCommand(cluster: Command, done: (code: number) => void): void {
  const command = cluster
    .command('submit')
    .description('cut an evaluation into shards and put them into a queue; prints the id of the run')
  questionFlags(command)
  placeFlags(command)
    .option('--shards <n>', 'how many shards (default by --shard-rows)', positiveWhole)
    .option('--shard-rows <n>', 'rows of a shard, about (default 1048576)', positiveWhole)
    .option('--store <folder>', 'folder that all workers share, for partial results above 256 KiB')
    .option('--attempts <n>', 'how often a shard is tried (default 5)', positiveWhole)
    .option('--keep-days <days>', 'how long a finished run is remembered (default 7)', number)
    .option('--wait', 'wait for the result and print it, as "losskit evaluate" would')
  answerFlags(command)
  command.addHelpText('after', lossList)
  command.action(async (file: string | undefined, flags: QuestionFlags & SubmitFlags & AnswerFlags) => {
    const { inputs, plan, chunkRows } = await question(file, flags)
    for (const [name, flag] of [
      ['failAbove', '--fail-above'],
      ['report', '--report'],
    ] as const) {
      if (flags[name] !== undefined && !flags.wait) throw new UsageError(`${flag} needs --wait.`)
    }
    checkAnswerFlags(flags, plan)
    const place = placeOf(flags)
    const run = await submit({ ...flags, ...place, inputs, plan, chunkRows })
    if (flags.wait) return done(await waitFor({ ...place, ...run }, flags))
    process.stdout.write(`${flags.json ? JSON.stringify(run) : run.id}\n`)
    done(exit.fine)
  })
}

/** The run goes on where the waiting ends. */
function waitFor(
  run: Submitted & { readonly url: string; readonly queue?: string | undefined },
  flags: AnswerFlags,
): Promise<number> {
  process.stderr.write(`losskit: ${run.id}: ${run.rows} rows in ${run.shards} shards\n`)
  const bar = progressBar(process.stderr)
  return interruptible(signal =>
    answerOf(run, flags, async () => {
      for (;;) {
        const { state, rowsDone, failures } = await status(run)
        if (state === 'done') return
        if (state === 'failed') throw new ClusterError(`${run.id} has failed: ${failures.join(' ')}`)
        bar.update({ rows: rowsDone, done: rowsDone, total: run.rows })
        await sleep(500, undefined, { signal })
      }
    }).finally(bar.stop),
  )
}
