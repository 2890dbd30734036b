import { type Command, Option } from 'commander'
import { entryOf, type LossName, type LossOptions, lossNames } from '../evaluate/catalogue.ts'
import { UsageError } from '../evaluate/errors.ts'
import { evaluate } from '../evaluate/evaluate.ts'
import { type Inputs, openInputs } from '../evaluate/open.ts'
import type { Plan } from '../evaluate/plan.ts'
import { type Report, toJson } from '../evaluate/report.ts'
import { exit, report as reportFailure } from './exit.ts'
import { checkTaken, lossFlags, lossName, positiveWhole, type Threshold, threshold } from './flags.ts'
import { description, examples } from './help.ts'
import { progressBar } from './progress.ts'
import { table, wantsColor } from './table.ts'
import { readWeights } from './weights.ts'

/** The flags as commander collects them, those of the losses' own options among them. */
interface Flags {
  readonly [lossOption: string]: unknown
  readonly pred: string
  readonly target: string
  readonly weight?: string
  readonly loss: readonly LossName[]
  readonly reduction?: 'mean' | 'sum'
  readonly chunkRows?: number
  readonly header: boolean
  readonly delimiter?: string
  readonly dtype?: 'float32' | 'float64'
  readonly failAbove?: readonly Threshold[]
  readonly json?: boolean
}

export function evaluateCommand(program: Command, done: (code: number) => void): void {
  const command = program
    .command('evaluate')
    .description(description)
    .argument('[file]', 'CSV file with all columns; without it, --pred, --target and --weight are files')
    .requiredOption('--pred <column|file>', 'predictions')
    .requiredOption('--target <column|file>', 'targets')
    .requiredOption('--loss <name>', 'loss to compute; may be given several times', lossName)
    .option(
      '--weight <column|file|numbers>',
      'weights of rows; for crossEntropy and nll of classes ("1,2,0.5" or .npy)',
    )
    .addOption(
      new Option('--reduction <kind>', 'of all values to one (default mean)').choices(['mean', 'sum']),
    )
  for (const { flag, help, parse } of lossFlags.values()) {
    command.option(flag, help, (text: string) => parse(text))
  }
  command
    .option(
      '--fail-above <loss=number>',
      'exit with 1 if the loss is above; may be given several times',
      threshold,
    )
    .option('--json', 'print one JSON object')
    .option(
      '--chunk-rows <number>',
      'rows read at once (default about 4 MB); never changes a result',
      positiveWhole,
    )
    .addOption(
      new Option('--dtype <type>', 'of the numbers in CSV (default float64)').choices(['float32', 'float64']),
    )
    .option('--delimiter <character>', 'between CSV cells (default a comma, in .tsv files a tab)')
    .option('--no-header', 'the first CSV line holds numbers; columns are named by index')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', `\nLosses: ${lossNames.join(', ')}.\n${examples}`)
    .action(async (file: string | undefined, flags: Flags) => done(await action(file, flags)))
}

async function action(file: string | undefined, flags: Flags): Promise<number> {
  const { loss: losses, reduction, chunkRows, failAbove = [] } = flags
  const given = [...lossFlags.keys()].filter(name => flags[name] !== undefined)
  checkTaken(losses, given)
  for (const { loss } of failAbove) {
    if (!losses.includes(loss)) throw new UsageError(`--fail-above ${loss}=… needs --loss ${loss}.`)
  }
  if (flags.delimiter !== undefined && [...flags.delimiter].length !== 1) {
    throw new UsageError(`--delimiter "${flags.delimiter}" must be one character.`)
  }
  const weights = await readWeights(losses, flags.weight)
  const plan: Plan = {
    losses: losses.map(loss => ({ loss, options: optionsOf(loss, flags, weights.classes) })),
    reduction,
  }
  const wholeRows =
    losses.some(loss => entryOf(loss).walks === 'rows') || given.some(name => Array.isArray(flags[name]))

  const bar = progressBar(process.stderr)
  const report = await interruptible(async signal => {
    const source = await openInputs(inputsOf(file, flags, weights.data), { chunkRows, wholeRows, signal })
    return evaluate(source, plan, { signal, onProgress: bar.update })
  }).finally(bar.stop)

  const color = wantsColor(process.stdout, process.env)
  process.stdout.write(flags.json === true ? `${toJson(report)}\n` : table(report, color))
  return judge(report, failAbove)
}

function optionsOf(loss: LossName, flags: Flags, classWeights: readonly number[] | undefined): LossOptions {
  const all: Record<string, unknown> = { ...flags, weight: classWeights }
  const names = Object.keys(entryOf(loss).options)
  return Object.fromEntries(names.flatMap(name => (all[name] === undefined ? [] : [[name, all[name]]])))
}

function inputsOf(file: string | undefined, flags: Flags, weight: string | undefined): Inputs {
  const { pred, target, header, delimiter, dtype } = flags
  return { file, pred, target, weight, delimiter, dtype, ...(header ? {} : { header }) }
}

/** Ctrl-C stops at the next block; a second one stops at once. */
async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const interrupt = () => {
    if (controller.signal.aborted) process.exit(exit.interrupted)
    controller.abort()
  }
  process.on('SIGINT', interrupt)
  try {
    return await work(controller.signal)
  } finally {
    process.off('SIGINT', interrupt)
  }
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
