import type { Command } from 'commander'
import { UsageError } from '../evaluate/errors.ts'
import type { About } from '../evaluate/page/about.ts'
import { PageFile } from '../evaluate/page/page-file.ts'
import type { Plan } from '../evaluate/plan.ts'
import { type Report, toJson } from '../evaluate/report.ts'
import { exit, report as reportFailure } from './exit.ts'
import { type Threshold, threshold } from './flags.ts'
import { table, wantsColor } from './table.ts'

/** The flags that say what becomes of a report. */
export interface AnswerFlags {
  readonly failAbove?: readonly Threshold[]
  readonly json?: boolean
  readonly report?: string
}

export function answerFlags(command: Command): void {
  command
    .optionsGroup('What becomes of it:')
    .option(
      '--fail-above <loss[@group]=number>',
      'exit with 1 if the loss is above; may be given several times',
      threshold,
    )
    .option('--json', 'print one JSON object')
    .option('--report <file>', 'write a page of HTML with all there is, in drawings and tables')
}

/** Refuses what the answer to a plan cannot have, before anything is computed. */
export function checkAnswerFlags({ failAbove = [] }: AnswerFlags, { losses, by }: Plan): void {
  for (const { loss, group } of failAbove) {
    if (!losses.some(question => question.loss === loss)) {
      const asked = losses.map(question => question.loss).join(', ')
      throw new UsageError(`--fail-above ${loss}=… needs --loss ${loss}. The losses are ${asked}.`)
    }
    if (group !== undefined && by === undefined) {
      throw new UsageError(`--fail-above ${loss}@${group}=… needs --by COLUMN, which makes the groups.`)
    }
  }
}

export interface Answered {
  readonly report: Report
  /** What the run was, for those who ask. */
  about(): Promise<About>
}

/** Computes a report, writes and prints it, and returns the exit code. Where anything fails, nothing is written. */
export async function answer(flags: AnswerFlags, compute: () => Promise<Answered>): Promise<number> {
  const page = flags.report === undefined ? undefined : await PageFile.open(flags.report)
  let report: Report
  try {
    const answered = await compute()
    report = answered.report
    await page?.finish(report, await answered.about())
  } catch (error) {
    await page?.discard()
    throw error
  }
  const color = wantsColor(process.stdout, process.env)
  process.stdout.write(flags.json === true ? `${toJson(report)}\n` : table(report, color))
  return judge(report, flags.failAbove ?? [])
}

/** A loss that is NaN, or a group that is not there, is not below its threshold either. */
function judge({ losses }: Report, thresholds: readonly Threshold[]): number {
  let code: number = exit.fine
  for (const { loss, group, limit } of thresholds) {
    const entry = losses.find(({ loss: name }) => name === loss)
    const found = group === undefined ? entry : entry?.groups?.find(({ name }) => name === group)
    if (found !== undefined && found.value <= limit) continue
    const what = group === undefined ? loss : `${loss} of ${group}`
    const message =
      found === undefined
        ? `${what} is asked for by --fail-above, but there is no such group.`
        : `${what} is ${found.value}, not at most ${limit} as --fail-above asks.`
    reportFailure({ code: 'ERR_THRESHOLD', message })
    code = exit.threshold
  }
  return code
}
