import type { LossName, LossOptions } from './catalogue.ts'

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
  return new TextEncoder().encode(canonical({ ...plan, losses, reduction: plan.reduction ?? 'mean' }))
}

/** JSON with sorted keys. It knows no infinities, so they are written as their names. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === 'number' && !Number.isFinite(part)) return String(part)
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}
