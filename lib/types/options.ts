import type { Backend } from '../backend/choose.ts'
import type { ComputeArray, Tensor } from '../tensor/types.ts'
import type { Grad } from './results.ts'

/** Options of every form of a loss. */
export interface CommonOptions {
  /** Replaces the divisor of the mean (a sum has none), as gradient accumulation over several steps needs it. */
  readonly divisor?: number | undefined
  /** Who computes. Host arrays are computed on the CPU, whatever else there is. */
  readonly backend?: Backend | undefined
  /** What the mean of nothing is: of an empty batch, or one of ignored labels only (default 'nan'). */
  readonly onEmpty?: 'nan' | 'zero' | undefined
}

export interface CallOptions<R extends string> extends CommonOptions {
  /** 'mean' (the default) or 'sum' of the values, or 'none': every value. */
  readonly reduction?: R | undefined
  /** The incoming gradient (default 1). Where reduction is 'none', it may be one for each value. */
  readonly upstream?: number | ('none' extends R ? Tensor : never) | undefined
}

export interface Abortable {
  /** Stops the work at its next block. The promise is then rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** Also keeps the options of `update` from being empty: an empty type would take any option. */
export interface Unabortable {
  readonly signal?: undefined
}

interface ValueOut<Values> {
  /** The array to fill, where reduction is 'none'. */
  readonly out?: Values | undefined
}

interface NamedOut<Out> {
  /** The arrays to fill. A gradient may be written over its own input, where the loss says so. */
  readonly out?: { readonly [Name in keyof Out]?: Out[Name] | undefined } | undefined
}

type Values<Inputs extends readonly unknown[], R> = 'none' extends R ? ComputeArray<Inputs> : never

/** Of a call that gives the value. */
export type ValueOptions<Own, Inputs extends readonly unknown[], R extends string> = Own &
  CallOptions<R> &
  ValueOut<Values<Inputs, R>>

/** Of a call that gives gradients. */
export type GradOptions<
  Own,
  Names extends string,
  Inputs extends readonly unknown[],
  R extends string,
> = Own & CallOptions<R> & NamedOut<Grad<Names, Inputs>>

/** Of a call that gives both. */
export type BothOptions<
  Own,
  Names extends string,
  Inputs extends readonly unknown[],
  R extends string,
> = Own & CallOptions<R> & NamedOut<Grad<Names, Inputs> & { readonly value: Values<Inputs, R> }>

/** Weights of the values of a batch. */
export interface BatchWeights {
  /** One factor for each value, or a tensor that broadcasts to them. They do not change the divisor. */
  readonly weight?: Tensor | undefined
}
