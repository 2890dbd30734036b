/** The losses that can be evaluated, from their declarations: how each walks its data, and the options it takes. */

import { descriptionOf } from '../description.ts'
import type { Domain } from '../losses/options.ts'
import type { Tensor } from '../tensor/types.ts'
import type { AccumulatorFactory } from '../types/accumulator.ts'
import type { BatchWeights } from '../types/options.ts'

// Not a static import, which a bundle would move to its start: the command must start without the addon, to say what is wrong.
const losskit = await import('../index.ts')

export type LossName = string

/** Options of the losses by name: numbers, words, flags, or numbers for each class or column. */
export type LossOptions = Readonly<Record<string, unknown>>

export interface Entry {
  /** 'elements' compares numbers with numbers, 'rows' looks at all classes of a sample at once. */
  readonly walks: 'elements' | 'rows'
  readonly options: Readonly<Record<string, Domain>>
  readonly accumulator: AccumulatorFactory<readonly Tensor[], object, BatchWeights>
  /** Every value of a batch. */
  values(pred: Tensor, target: Tensor, options: ValuesOptions): Promise<void>
}

export interface ValuesOptions {
  readonly out: Float32Array | Float64Array
  readonly weight?: Tensor | undefined
  readonly signal?: AbortSignal | undefined
}

/** Data in files is in rows, so where the classes lie is no question. */
const NOT_ASKED = new Set(['axis'])

type Values = (pred: Tensor, target: Tensor, options: object) => Promise<unknown>

const catalogue: ReadonlyMap<LossName, Entry> = new Map(
  Object.entries(losskit).flatMap(([name, loss]) => {
    const description = typeof loss === 'function' ? descriptionOf(loss) : undefined
    if (description === undefined || description.gradients.length !== 1) return []
    const { walks, inputs } = description
    if ((walks !== 'elements' && walks !== 'rows') || inputs.length !== 2 || inputs[1] !== 'target') return []
    const { accumulator, async: call } = loss as unknown as Pick<Entry, 'accumulator'> & { async: Values }
    const values: Entry['values'] = async (pred, target, options) => {
      await call(pred, target, { ...options, reduction: 'none' })
    }
    const options = Object.entries(description.options).filter(([option]) => !NOT_ASKED.has(option))
    return [[name, { walks, options: Object.fromEntries(options), accumulator, values }]]
  }),
)

export const lossNames: readonly LossName[] = [...catalogue.keys()]

export function entryOf(name: LossName): Entry {
  const entry = catalogue.get(name)
  if (entry === undefined) throw new RangeError(`no loss is called ${name}`)
  return entry
}

/** Every option of any loss, by name, with its domain where a number, a word or a flag is asked for. */
export const optionDomains: ReadonlyMap<string, Domain> = new Map(
  [...catalogue.values()].flatMap(({ options }) => Object.entries(options)),
)

/** The losses that take an option. */
export function takersOf(option: string): readonly LossName[] {
  return lossNames.filter(name => option in entryOf(name).options)
}
