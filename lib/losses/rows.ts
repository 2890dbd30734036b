import { define } from '../definition.ts'
import { rows as labelledOrProbableRows, labelledRows } from '../drivers/rows.ts'
import { createLoss } from '../loss.ts'
import type { Classes, Labelled } from '../types/inputs.ts'
import type { Loss } from '../types/loss.ts'
import type { Domain, OptionsOf } from './options.ts'

/**
 * Declares a loss of rows of class scores by its name in the addon, the name of the scores, and its options. The target holds
 * `labels`, or `classes`: labels or probabilities.
 */
export function rows<
  Input extends string,
  Kind extends 'labels' | 'classes',
  Domains extends Readonly<Record<string, Domain>>,
>(
  name: string,
  input: Input,
  target: Kind,
  options: Domains,
): Loss<Kind extends 'labels' ? Labelled : Classes, Input, OptionsOf<Domains>, Record<never, never>> {
  return createLoss(
    define({
      name,
      inputs: [input, 'target'],
      driver: target === 'labels' ? labelledRows : labelledOrProbableRows,
      options,
    }),
  )
}
