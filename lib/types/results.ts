import type { ComputeArray, GradArray } from '../tensor/types.ts'

export type Reduction = 'mean' | 'sum' | 'none'

/** A number, or with reduction 'none' an array of values. */
export type Value<Inputs extends readonly unknown[], R> = R extends 'none' ? ComputeArray<Inputs> : number

/** Gradients by the name of their input; a name that ends in `?` is that of an option, which need not be given. */
export type Grad<Names extends string, Inputs extends readonly unknown[]> = {
  readonly [Name in Names as Name extends `${string}?` ? never : Name]: GradArray<Inputs>
} & (Optional<Names> extends never
  ? unknown
  : { readonly [Name in Optional<Names>]?: GradArray<Inputs> | undefined })

type Optional<Names extends string> = Names extends `${infer Name}?` ? Name : never

export interface ValueAndGrad<Names extends string, Inputs extends readonly unknown[], R> {
  readonly value: Value<Inputs, R>
  readonly grad: Grad<Names, Inputs>
}
