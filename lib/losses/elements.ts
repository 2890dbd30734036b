import { define } from '../definition.ts'
import { elements as driver } from '../drivers/elements.ts'
import { createLoss } from '../loss.ts'
import type { Values } from '../types/inputs.ts'
import type { Loss } from '../types/loss.ts'
import type { BatchWeights } from '../types/options.ts'
import type { Domain, OptionsOf } from './options.ts'

/**
 * Declares a loss of elements by its name in the addon, its options, and what the values of an input must be that the addon
 * refuses.
 */
export function elements<Domains extends Readonly<Record<string, Domain>> = Record<never, never>>(
  name: string,
  options?: Domains,
  domain?: Readonly<Record<string, string>>,
): Loss<Values, 'pred', OptionsOf<Domains>, BatchWeights> {
  return createLoss(define({ name, inputs: ['pred', 'target'], driver, options, domain }))
}
