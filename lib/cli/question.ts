import { type Command, Option } from 'commander'
import { entryOf, type LossName, type LossOptions, lossNames } from '../evaluate/catalogue.ts'
import { UsageError } from '../evaluate/errors.ts'
import { planFor } from '../evaluate/evaluate.ts'
import type { Plan } from '../evaluate/plan.ts'
import type { Inputs } from '../evaluate/sources/open.ts'
import type { Nulls } from '../evaluate/sources/row-buffer.ts'
import { type DetailFlags, detailFlags, details } from './detail.ts'
import { checkTaken, lossFlags, lossName, positiveWhole } from './flags.ts'
import { readWeights } from './weights.ts'

/** The flags that say what is computed of which data, as commander collects them; the losses' own options are among them. */
export interface QuestionFlags extends DetailFlags {
  readonly [lossOption: string]: unknown
  readonly pred: string
  readonly target: string
  readonly weight?: string
  readonly sql?: string
  readonly sqlSetup?: string
  readonly nulls?: Nulls
  readonly loss: readonly LossName[]
  readonly reduction?: 'mean' | 'sum'
  readonly chunkRows?: number
  readonly header: boolean
  readonly delimiter?: string
  readonly dtype?: 'float32' | 'float64'
}

export interface AskedFor {
  readonly inputs: Inputs
  readonly plan: Plan
  readonly chunkRows: number | undefined
}

export function questionFlags(command: Command): void {
  command
    .optionsGroup('Data:')
    .argument(
      '[file]',
      'file with all columns, a pattern such as "out/*.parquet", or an address such as s3://bucket/file.parquet; without it, --pred, --target and --weight are files',
    )
    .option('--sql <query>', 'a query for DuckDB in place of the file')
    .option('--sql-setup <statements>', 'what DuckDB runs first: settings, secrets, extensions')
    .requiredOption('--pred <column|file>', 'predictions')
    .requiredOption('--target <column|file>', 'targets')
    .option(
      '--weight <column|file|numbers>',
      'weights of rows; for crossEntropy and nll of classes ("1,2,0.5" or .npy)',
    )
    .addOption(
      new Option(
        '--nulls <policy>',
        'rows in which a value is missing: an error (default), left out, or given weight 0',
      ).choices(['error', 'skip', 'zero-weight']),
    )
    .addOption(
      new Option('--dtype <type>', 'of the numbers in CSV (default float64)').choices(['float32', 'float64']),
    )
    .option('--delimiter <character>', 'between CSV cells (default a comma, in .tsv files a tab)')
    .option('--no-header', 'the first CSV line holds numbers; columns are named by index')
    .option(
      '--chunk-rows <number>',
      'rows read at once (default about 4 MB); never changes a result',
      positiveWhole,
    )
  command
    .optionsGroup('Losses:')
    .requiredOption('--loss <name>', 'loss to compute; may be given several times', lossName)
    .addOption(
      new Option('--reduction <kind>', 'of all values to one (default mean)').choices(['mean', 'sum']),
    )
  for (const { flag, help, parse } of lossFlags.values()) {
    command.option(flag, help, (text: string) => parse(text))
  }
  detailFlags(command)
}

export async function question(file: string | undefined, flags: QuestionFlags): Promise<AskedFor> {
  const { loss: losses, reduction, chunkRows, delimiter } = flags
  const given = [...lossFlags.keys()].filter(name => flags[name] !== undefined)
  checkTaken(losses, given)
  if (delimiter !== undefined && [...delimiter].length !== 1) {
    throw new UsageError(`--delimiter "${delimiter}" must be one character.`)
  }
  const weights = await readWeights(losses, flags.weight)
  const inputs = inputsOf(file, flags, weights.data)
  const plan: Plan = {
    losses: losses.map(loss => ({ loss, options: optionsOf(loss, flags, weights.classes) })),
    reduction,
    ...details(flags),
  }
  return { inputs, plan: planFor(inputs, plan), chunkRows }
}

export const lossList = `\nLosses: ${lossNames.join(', ')}.\n`

function optionsOf(
  loss: LossName,
  flags: QuestionFlags,
  classWeights: readonly number[] | undefined,
): LossOptions {
  const all: Record<string, unknown> = { ...flags, weight: classWeights }
  const names = Object.keys(entryOf(loss).options)
  return Object.fromEntries(names.flatMap(name => (all[name] === undefined ? [] : [[name, all[name]]])))
}

function inputsOf(file: string | undefined, flags: QuestionFlags, weight: string | undefined): Inputs {
  const { sql, sqlSetup, pred, target, by, nulls, header, delimiter, dtype } = flags
  return {
    file,
    sql,
    sqlSetup,
    pred,
    target,
    weight,
    by,
    nulls,
    delimiter,
    dtype,
    ...(header ? {} : { header }),
  }
}
