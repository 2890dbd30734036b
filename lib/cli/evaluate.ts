import type { Command } from 'commander'
import { evaluate } from '../evaluate/evaluate.ts'
import { type AnswerFlags, answer, answerFlags, checkAnswerFlags } from './answer.ts'
import { exit } from './exit.ts'
import { description, examples } from './help.ts'
import { interruptible } from './interrupt.ts'
import { progressBar } from './progress.ts'
import { lossList, type QuestionFlags, question, questionFlags } from './question.ts'
import { checkShardFlags, type ShardFlags, shardFlags, writeShard } from './shard.ts'

type Flags = QuestionFlags & AnswerFlags & ShardFlags

export function evaluateCommand(program: Command, done: (code: number) => void): void {
  const command = program.command('evaluate').description(description)
  questionFlags(command)
  answerFlags(command)
  shardFlags(command)
  command
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
    return answer(await evaluate(inputs, plan, options).finally(bar.stop), flags)
  })
}
