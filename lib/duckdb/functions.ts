/** Which losses can be a function of SQL, from their declarations, and what they are called there. */

import { type Description, descriptionOf } from '../description.ts'
import * as losskit from '../index.ts'
import type { FloatArray } from '../tensor/types.ts'

export interface SqlLoss {
  /** Its name in this library. */
  readonly name: string
  /** Its name in SQL, where capitals mean nothing. */
  readonly sqlName: string
  readonly inputs: readonly string[]
  readonly options: readonly SqlOption[]
  values(inputs: readonly FloatArray[], options: Readonly<Record<string, unknown>>): FloatArray
}

/** Numbers that the loss reads for every row are one more input; other options have the type of their default. */
export interface SqlOption {
  readonly name: string
  readonly type: 'input' | 'number' | 'boolean' | 'string'
}

/** DuckDB has an aggregate of this name. */
const TAKEN: Readonly<Record<string, string>> = { quantile: 'quantileLoss' }

/** The losses whose value for a row depends on that row's numbers alone. */
export const sqlLosses: readonly SqlLoss[] = Object.entries(losskit).flatMap(([name, loss]) => {
  const description = typeof loss === 'function' ? descriptionOf(loss) : undefined
  if (description === undefined || !isFunctionOfRow(description)) return []
  const compute = loss as unknown as (...given: readonly unknown[]) => FloatArray
  return {
    name,
    sqlName: TAKEN[name] ?? name,
    inputs: description.inputs,
    options: optionsOf(description),
    values: (inputs, options) => compute(...inputs, { ...options, reduction: 'none' }),
  }
})

function isFunctionOfRow({ walks, reductions }: Description): boolean {
  return walks === 'elements' && reductions.includes('none')
}

function optionsOf({ options }: Description): SqlOption[] {
  return Object.entries(options).map(([name, domain]) => {
    if (domain.kind !== 'scalar') return { name, type: 'input' }
    return { name, type: typeof domain.decode(domain.fallback) as 'number' | 'boolean' | 'string' }
  })
}
