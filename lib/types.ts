import type { Backend } from './backend/choose.ts'
import type {
  ComputeArray,
  FloatTensor,
  GradArray,
  LabelTensor,
  NotWider,
  Tensor,
  TensorObject,
} from './tensor/types.ts'

export type Reduction = 'mean' | 'sum' | 'none'

/**
 * What a target may be beside predictions of type `Pred`: `values` of any type not wider than theirs, class `labels`, or
 * `classes`: labels, or probabilities for predictions that show their rows. `any` leaves it to run time.
 */
export type TargetOf<Kind extends TargetKind, Pred> = {
  any: Tensor
  values: NotWider<Pred> | LabelTensor
  labels: LabelTensor
  classes:
    | LabelTensor
    | (Pred extends TensorObject<unknown, string> | readonly (readonly number[])[] ? Rows<Pred> : never)
}[Kind]

export type TargetKind = 'values' | 'labels' | 'classes' | 'any'

type PredOf<Kind extends TargetKind> = Kind extends 'any' ? Tensor : FloatTensor

/** Flat plain numbers would be labels. */
type Rows<Pred> = Exclude<NotWider<Pred>, readonly number[]>

/** Options of every form of a loss. */
export interface CommonOptions {
  /** Replaces the divisor of the mean (a sum has none), as gradient accumulation over several steps needs it. */
  readonly divisor?: number | undefined
  /** Who computes. Host arrays are computed on the CPU, whatever else there is. */
  readonly backend?: Backend | undefined
  /** What the mean of nothing is: of an empty batch, or one of ignored labels only (default 'nan'). */
  readonly onEmpty?: 'nan' | 'zero' | undefined
}

export interface CallOptions<R extends Reduction> extends CommonOptions {
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
interface Unabortable {
  readonly signal?: undefined
}

interface ValueOut<Values> {
  /** The array to fill, where reduction is 'none'. */
  readonly out?: Values | undefined
}

interface NamedOut<Out> {
  /** The arrays to fill. A gradient may be written over the predictions themselves. */
  readonly out?: { readonly [Name in keyof Out]?: Out[Name] | undefined } | undefined
}

type Values<Pred, Target, R> = 'none' extends R ? ComputeArray<Pred, Target> : never

/** A number, or with reduction 'none' an array of values. */
export type Value<Pred, Target, R> = R extends 'none' ? ComputeArray<Pred, Target> : number

/** Gradients by the name of their input. */
export type Grad<Input extends string, Pred, Target> = { readonly [Name in Input]: GradArray<Pred, Target> }

export interface ValueAndGrad<Input extends string, Pred, Target, R> {
  readonly value: Value<Pred, Target, R>
  readonly grad: Grad<Input, Pred, Target>
}

type ValueOptions<Own, P, T, R extends Reduction> = Own & CallOptions<R> & ValueOut<Values<P, T, R>>

type GradOptions<Own, Input extends string, P, T, R extends Reduction> = Own &
  CallOptions<R> &
  NamedOut<Grad<Input, P, T>>

type BothOptions<Own, Input extends string, P, T, R extends Reduction> = Own &
  CallOptions<R> &
  NamedOut<Grad<Input, P, T> & { readonly value: Values<P, T, R> }>

/**
 * A loss: called, it gives the value; its members give gradients, work off the event loop, prepare calls, and add up batches.
 *
 * `Input` names the first input and its gradient, `Kind` says what the target is, `Own` are the options of this loss.
 */
export interface Loss<Input extends string, Kind extends TargetKind, Own, Batch> {
  <P extends FloatTensor, T extends TargetOf<Kind, P>, R extends Reduction = 'mean'>(
    pred: P,
    target: T,
    options?: ValueOptions<Own & Batch, P, T, R>,
  ): Value<P, T, R>

  /** The name of the loss. */
  readonly lossName: string

  /** The gradient of the reduced value with respect to the first input. */
  grad<P extends FloatTensor, T extends TargetOf<Kind, P>, R extends Reduction = 'mean'>(
    pred: P,
    target: T,
    options?: GradOptions<Own & Batch, Input, P, T, R>,
  ): Grad<Input, P, T>

  /** Both from one pass over the inputs. */
  valueAndGrad<P extends FloatTensor, T extends TargetOf<Kind, P>, R extends Reduction = 'mean'>(
    pred: P,
    target: T,
    options?: BothOptions<Own & Batch, Input, P, T, R>,
  ): ValueAndGrad<Input, P, T, R>

  readonly async: AsyncLoss<Input, Kind, Own & Batch>

  /**
   * Prepares a call for a loop: the arrays are checked once and read anew in each run, which costs tens of nanoseconds.
   * Transferring or shrinking the memory of one of them ends it with ERR_DETACHED.
   */
  bind<
    P extends FloatTensor,
    T extends TargetOf<Kind, P>,
    R extends Reduction = 'mean',
    G extends boolean = false,
  >(
    pred: P,
    target: T,
    options?: BothOptions<Own & Batch, Input, P, T, R> & { readonly grad?: G | undefined },
  ): BoundLoss<Input, P, T, R, G>

  readonly accumulator: AccumulatorFactory<Kind, Own, Batch>
}

/**
 * The same off the event loop. The inputs are checked before the call returns and errors reject the promise. Until it
 * settles the arrays are in use: what is written into them may or may not be seen, and their memory must not be transferred
 * or resized.
 */
export interface AsyncLoss<Input extends string, Kind extends TargetKind, Own> {
  <P extends FloatTensor, T extends TargetOf<Kind, P>, R extends Reduction = 'mean'>(
    pred: P,
    target: T,
    options?: ValueOptions<Own, P, T, R> & Abortable,
  ): Promise<Value<P, T, R>>

  grad<P extends FloatTensor, T extends TargetOf<Kind, P>, R extends Reduction = 'mean'>(
    pred: P,
    target: T,
    options?: GradOptions<Own, Input, P, T, R> & Abortable,
  ): Promise<Grad<Input, P, T>>

  valueAndGrad<P extends FloatTensor, T extends TargetOf<Kind, P>, R extends Reduction = 'mean'>(
    pred: P,
    target: T,
    options?: BothOptions<Own, Input, P, T, R> & Abortable,
  ): Promise<ValueAndGrad<Input, P, T, R>>
}

/** A prepared call. */
export interface BoundLoss<Input extends string, P, T, R, G> {
  (): Value<P, T, R>
  /** The gradient of the last run, in the same arrays each time. */
  readonly grad: G extends true ? Grad<Input, P, T> : undefined
  /** The values of the last run, where reduction is 'none'. */
  readonly values: R extends 'none' ? ComputeArray<P, T> : undefined
}

export interface AccumulatorFactory<Kind extends TargetKind, Own, Batch> {
  (options?: AccumulatorOptions<Own>): Accumulator<Kind, Batch>

  /**
   * Reads what `toBytes` wrote. Options that are given must be those of the bytes, others are taken from there. Tensors are
   * stored as fingerprints only: to add more rows, give them again.
   */
  fromBytes(bytes: Uint8Array, options?: AccumulatorOptions<Own>): Accumulator<Kind, Batch>
}

export type AccumulatorOptions<Own> = Own &
  CommonOptions & { readonly reduction?: 'mean' | 'sum' | undefined }

/**
 * A loss over any number of batches. The sum is exact, so neither the order of the rows nor how they were cut into batches,
 * processes or machines can be seen: the value is the same, and so are the bytes.
 *
 * `Accumulator` alone, without type arguments, is one of any loss.
 */
export interface Accumulator<Kind extends TargetKind = TargetKind, Batch = ElementWeights> {
  /** Adds a batch. If it is refused, the accumulator stays as it was. */
  update<P extends PredOf<Kind>>(pred: P, target: TargetOf<Kind, P>, options?: Batch & Unabortable): this
  /** The same off the event loop. Several batches may be under way; each counts when it is done. */
  updateAsync<P extends PredOf<Kind>>(
    pred: P,
    target: TargetOf<Kind, P>,
    options?: Batch & Abortable,
  ): Promise<this>
  /** Adds the rows of another accumulator of this loss with the same options; that one stays as it is. */
  merge(other: Accumulator<Kind, Batch>): this
  /** The mean or sum of all rows so far. */
  readonly value: number
  /** How many values the sum holds: ignored rows do not count. */
  readonly count: number
  /** Loss, options and sum, to be sent, stored or compared: the same rows give the same bytes. */
  toBytes(): Uint8Array
}

/** Weights of the elements of a batch. */
export interface ElementWeights {
  /** One factor for each element, or fewer that repeat over the leading dimensions. They do not change the divisor. */
  readonly weight?: Tensor | undefined
}
