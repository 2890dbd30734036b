import { canonical, withInfinities } from './canonical.ts'
import { entryOf, type LossName, type LossOptions, lossNames } from './catalogue.ts'
import { UsageError } from './errors.ts'

/** One loss to be computed. */
export interface Question {
  readonly loss: LossName
  readonly options?: LossOptions
}

/** What is asked of some data, as plain JSON: the same plan over the same rows gives the same tally, on any machine. */
export interface Plan {
  readonly losses: readonly Question[]
  /** Of all values to one: 'mean' where nothing is said. */
  readonly reduction?: 'mean' | 'sum' | undefined
  /** The column whose values group the rows: each group has a value of its own. */
  readonly by?: string | undefined
  /** The distribution of the losses of rows. */
  readonly quantiles?: boolean | undefined
  /** How many of the rows with the largest losses are kept. */
  readonly worst?: number | undefined
  /** For classifiers: accuracy, confusion matrix and calibration. */
  readonly classification?: boolean | undefined
}

/** The plan as canonical JSON: equal plans have equal bytes, in whatever order their keys were written. */
export function planBytes(plan: Plan): Uint8Array {
  const losses = plan.losses.map(({ loss, options = {} }) => ({ loss, options }))
  const { reduction = 'mean', by, quantiles, worst, classification } = plan
  // What is false or 0 is not asked for, just like what is not said.
  const asked = {
    quantiles: quantiles || undefined,
    worst: worst || undefined,
    classification: classification || undefined,
  }
  return new TextEncoder().encode(canonical({ losses, reduction, by, ...asked }))
}

/** A plan that has been through JSON, from `planBytes` or from text that was made of those. */
export function readPlan({ losses, ...plan }: Plan): Plan {
  return { ...plan, losses: withInfinities(losses) }
}

/** Whether a loss of the plan needs the rows of a file whole; otherwise rows may be read number by number. */
export function wholeRows({ losses, by, quantiles, worst }: Plan): boolean {
  if (by !== undefined || quantiles || worst) return true
  return losses.some(
    ({ loss, options = {} }) =>
      entryOf(loss).walks === 'rows' || Object.values(options).some(value => Array.isArray(value)),
  )
}

/** The most rows that `worst` may keep. */
export const mostWorst = 10_000

/** Refuses what makes no sense, whatever the data. */
export function checkPlan({ losses, reduction, worst }: Plan): void {
  if (losses.length === 0) throw new UsageError('no loss is asked for.')
  const unknown = losses.find(({ loss }) => !lossNames.includes(loss))
  if (unknown !== undefined) {
    throw new UsageError(`no loss is called ${unknown.loss}. The losses are ${lossNames.join(', ')}.`)
  }
  if (worst !== undefined && !(Number.isInteger(worst) && worst >= 0 && worst <= mostWorst)) {
    throw new UsageError(`worst is ${worst}. It must be a whole number from 0 to ${mostWorst}.`)
  }
  // Options are checked where they are used.
  for (const { loss, options } of losses) entryOf(loss).accumulator({ ...options, reduction })
}
