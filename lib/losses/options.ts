import type { Tensor } from '../tensor/types.ts'

/** The values that an option of a loss may have. */
export type Domain = NumberDomain | FactorDomain | ClassWeights

export interface NumberDomain {
  readonly kind: 'number'
  readonly fallback: number
  /** In words, for the message that refuses a value. */
  readonly takes: string
  has(value: number): boolean
}

/** A number for every element, or a tensor of factors that repeats over the leading dimensions. */
export interface FactorDomain {
  readonly kind: 'factor'
}

/** One weight for each class. */
export interface ClassWeights {
  readonly kind: 'classWeights'
}

/** The options of a loss as its callers write them. */
export type OptionsOf<Domains> = {
  readonly [Name in keyof Domains]?: ValueOf<Domains[Name]> | undefined
}

type ValueOf<D> = D extends NumberDomain
  ? number
  : D extends FactorDomain
    ? number | Tensor
    : D extends ClassWeights
      ? Tensor
      : never

function number(fallback: number, takes: string, has: (value: number) => boolean): NumberDomain {
  return { kind: 'number', fallback, takes, has }
}

export function positive(fallback: number): NumberDomain {
  return number(fallback, 'a finite number above 0', value => value > 0 && value < Number.POSITIVE_INFINITY)
}

/** From 0 to 1, both included. */
export function unitInterval(fallback: number): NumberDomain {
  return number(fallback, 'a number from 0 to 1', value => value >= 0 && value <= 1)
}

export function whole(fallback: number): NumberDomain {
  return number(fallback, 'a whole number', Number.isSafeInteger)
}

export function factor(): FactorDomain {
  return { kind: 'factor' }
}

export function classWeights(): ClassWeights {
  return { kind: 'classWeights' }
}
