import type { Command } from 'commander'
import { evaluate } from '../evaluate/evaluate.ts'
import { aboutRun } from '../evaluate/page/about.ts'
import { type AnswerFlags, answer, answerFlags, checkAnswerFlags } from './answer.ts'
import { exit } from './exit.ts'
import { description, examples } from './help.ts'
import { interruptible } from './interrupt.ts'
import { progressBar } from './progress.ts'
import { lossList, type QuestionFlags, question, questionFlags } from './question.ts'
import { checkShardFlags, type ShardFlags, shardFlags, writeShard } from './shard.ts'

interface Flags extends QuestionFlags, AnswerFlags, ShardFlags {
  readonly failAbove?: NonNullable<AnswerFlags['failAbove']>
  readonly json?: boolean
  readonly report?: string
  readonly rows?: string
}

export function evaluateCommand(program: Command, done: (code: number) => void): void {
  const command = program.command('evaluate').description(description)
  questionFlags(command)
  answerFlags(command)
  command.option('--rows <file>', 'write the loss of every row: .parquet, .csv or .npy')
  shardFlags(command)
  command
    .optionsGroup('Help:')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', `${lossList}${examples}`)
    .action(async (file: string | undefined, flags: Flags) => done(await action(file, flags)))
}

async function action(file: string | undefined, flags: Flags): Promise<number> {
  const target = checkShardFlags(flags)
  const { inputs, plan, chunkRows } = await question(file, flags)
  checkAnswerFlags(flags, plan)
  const bar = progressBar(process.stderr)
  return interruptible(async signal => {
    const options = { chunkRows, signal, onProgress: bar.update }
    if (target !== undefined) {
      await writeShard(inputs, plan, target, options).finally(bar.stop)
      return exit.fine
    }
    return answer(flags, async () => ({
      report: await evaluate(inputs, plan, { ...options, rows: flags.rows }).finally(bar.stop),
      about: () => aboutRun(inputs, plan),
    }))
  })
}
