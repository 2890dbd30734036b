/**
 * The losses that can be evaluated: how each walks its data, and the options it takes. A new loss is one line here, a new
 * option one more in the command.
 */

/** Options of the losses, under the names of their functions. */
export interface LossOptions {
  readonly delta?: number
  readonly posWeight?: number | readonly number[]
  readonly ignoreIndex?: number
  readonly labelSmoothing?: number
  /** Of the classes; weights of elements come from the data. */
  readonly weight?: readonly number[]
}

export type OptionName = keyof LossOptions

export interface Entry {
  /** 'elements' compares numbers with numbers, 'rows' looks at all classes of a sample at once. */
  readonly walks: 'elements' | 'rows'
  readonly options: readonly OptionName[]
}

const elements = (...options: OptionName[]): Entry => ({ walks: 'elements', options })
const rows = (...options: OptionName[]): Entry => ({ walks: 'rows', options })

export const catalogue = {
  mse: elements(),
  mbe: elements(),
  mae: elements(),
  huber: elements('delta'),
  bce: elements(),
  bceWithLogits: elements('posWeight'),
  crossEntropy: rows('weight', 'ignoreIndex', 'labelSmoothing'),
  nll: rows('weight', 'ignoreIndex'),
} as const satisfies Readonly<Record<string, Entry>>

export type LossName = keyof typeof catalogue

export const lossNames = Object.keys(catalogue) as readonly LossName[]

export function isLossName(name: string): name is LossName {
  return Object.hasOwn(catalogue, name)
}

/** Typed as an entry in general, where the literal one is too narrow. */
export function entryOf(name: LossName): Entry {
  return catalogue[name]
}
