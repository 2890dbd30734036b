import { define } from '../definition.ts'
import { elements as driver } from '../drivers/elements.ts'
import { createLoss } from '../loss.ts'
import type { ElementWeights, Loss } from '../types.ts'
import type { Domain, OptionsOf } from './options.ts'

/**
 * Declares a loss of elements by its name in the addon, its options, and what the values of an input must be that the addon
 * refuses.
 */
export function elements<Domains extends Readonly<Record<string, Domain>> = Record<never, never>>(
  name: string,
  options?: Domains,
  domain?: Readonly<Record<string, string>>,
): Loss<'pred', 'values', OptionsOf<Domains>, ElementWeights> {
  return createLoss(define({ name, inputs: ['pred', 'target'], driver, options, domain }))
}
