import type { Command } from 'commander'
import { UsageError } from '../evaluate/errors.ts'
import type { Plan } from '../evaluate/plan.ts'
import { type Report, toJson } from '../evaluate/report.ts'
import { exit, report as reportFailure } from './exit.ts'
import { type Threshold, threshold } from './flags.ts'
import { table, wantsColor } from './table.ts'

/** The flags that say what becomes of a report. */
export interface AnswerFlags {
  readonly failAbove?: readonly Threshold[]
  readonly json?: boolean
}

export function answerFlags(command: Command): void {
  command
    .option(
      '--fail-above <loss=number>',
      'exit with 1 if the loss is above; may be given several times',
      threshold,
    )
    .option('--json', 'print one JSON object')
}

/** Refuses what the answer to a plan cannot have, before anything is computed. */
export function checkAnswerFlags({ failAbove = [] }: AnswerFlags, { losses }: Plan): void {
  for (const { loss } of failAbove) {
    if (losses.some(question => question.loss === loss)) continue
    const asked = losses.map(question => question.loss).join(', ')
    throw new UsageError(`--fail-above ${loss}=… needs --loss ${loss}. The losses are ${asked}.`)
  }
}

/** Prints a report and returns the exit code. */
export function answer(report: Report, { json, failAbove = [] }: AnswerFlags): number {
  const color = wantsColor(process.stdout, process.env)
  process.stdout.write(json === true ? `${toJson(report)}\n` : table(report, color))
  return judge(report, failAbove)
}

/** A loss that is NaN is not below its threshold either. */
function judge(report: Report, thresholds: readonly Threshold[]): number {
  let code: number = exit.fine
  for (const { loss, limit } of thresholds) {
    const value = report.losses.find(entry => entry.loss === loss)?.value ?? Number.NaN
    if (value <= limit) continue
    reportFailure({
      code: 'ERR_THRESHOLD',
      message: `${loss} is ${value}, not at most ${limit} as --fail-above asks.`,
    })
    code = exit.threshold
  }
  return code
}
