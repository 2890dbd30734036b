import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import { fileError } from '../evaluate/errors.ts'
import { about } from '../evaluate/page/about.ts'
import { Merger } from '../evaluate/partial/merge.ts'
import { type AnswerFlags, answer, answerFlags, checkAnswerFlags } from './answer.ts'
import { mergeDescription } from './help.ts'
import { interruptible } from './interrupt.ts'

const examples = `
The files are those of "losskit evaluate … --shard i/n --partial FILE", all n of them and in any order; "-" reads lines of
"--partial -" from standard input. The result has the bits of one process. Files of other data or losses, missing, doubled and
damaged ones are refused by name.

Examples:
  $ for i in 1 2 3; do losskit evaluate data.csv --pred p --target y --loss mse --shard $i/3 --partial $i.part; done
  $ losskit merge *.part
  $ losskit merge *.part --json --fail-above mse=0.5`

export function mergeCommand(program: Command, done: (code: number) => void): void {
  const command = program
    .command('merge')
    .description(mergeDescription)
    .argument('<file...>', 'partial files')
  answerFlags(command)
  command
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', examples)
    .action(async (files: readonly string[], flags: AnswerFlags) => done(await action(files, flags)))
}

function action(files: readonly string[], flags: AnswerFlags): Promise<number> {
  return interruptible(signal =>
    answer(flags, async () => {
      const merger = new Merger()
      for await (const [name, bytes] of partials(files)) {
        signal.throwIfAborted()
        merger.add(name, bytes)
      }
      const { run, tally } = merger.finish()
      checkAnswerFlags(flags, run.plan)
      return {
        report: tally.report(),
        about: async () => about(run.data, run.columns, run.plan),
      }
    }),
  )
}

async function* partials(files: readonly string[]): AsyncGenerator<readonly [string, Uint8Array]> {
  for (const file of files) {
    if (file === '-') yield* lines()
    else yield [file, await bytesOf(file)]
  }
}

async function bytesOf(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file)
  } catch (error) {
    throw fileError(file, error)
  }
}

async function* lines(): AsyncGenerator<readonly [string, Uint8Array]> {
  let number = 0
  for await (const line of createInterface({ input: process.stdin })) {
    number++
    if (line.trim() !== '') yield [`line ${number}`, Buffer.from(line, 'base64')]
  }
}
