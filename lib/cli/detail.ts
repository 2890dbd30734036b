import type { Command } from 'commander'
import type { Plan } from '../evaluate/plan.ts'
import { mostWorst } from '../evaluate/plan.ts'
import { wholeUpTo } from './flags.ts'

/** The flags that ask for more than one number a loss. */
export interface DetailFlags {
  readonly by?: string
  readonly quantiles?: boolean
  readonly worst?: number
  readonly classification?: boolean
  readonly report?: string
}

export function detailFlags(command: Command): void {
  command
    .optionsGroup('More than one number:')
    .option('--by <column>', 'also each group: the rows that have one value in this column')
    .option('--quantiles', 'also the distribution of the losses of rows')
    .option('--worst <number>', 'also this many rows with the largest losses', wholeUpTo(mostWorst))
    .option(
      '--classification',
      'also accuracy, confusion and calibration, of bce, crossEntropy and their like',
    )
}

/** A page shows all that there is. */
export function details({ report, ...asked }: DetailFlags): Omit<Plan, 'losses'> {
  const page = report === undefined ? {} : { quantiles: true, worst: 10, classification: true }
  const { quantiles = page.quantiles, worst = page.worst, classification = page.classification } = asked
  return {
    ...(quantiles && { quantiles }),
    ...(worst !== undefined && worst > 0 && { worst }),
    ...(classification && { classification }),
  }
}
