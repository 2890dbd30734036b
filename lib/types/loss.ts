import type { ComputeArray } from '../tensor/types.ts'
import type { AccumulatorFactory } from './accumulator.ts'
import type {
  DeviceAwaited,
  DeviceAwaitedValueAndGrad,
  DeviceBothOptions,
  DeviceBoundLoss,
  DeviceGrad,
  DeviceGradOptions,
  DeviceResult,
  DeviceValueAndGrad,
  DeviceValueOptions,
  OnDevice,
} from './device.ts'
import type { Abortable, BothOptions, GradOptions, ValueOptions } from './options.ts'
import type { Grad, Reduction, Value, ValueAndGrad } from './results.ts'

/**
 * A loss: called, it gives the value; its members give gradients, work off the event loop, prepare calls, and add up batches.
 *
 * `Inputs` are its arguments, `Names` the names of its gradients, `Own` its own options, `Batch` those that belong to a batch,
 * `Reductions` the reductions it has.
 */
export interface Loss<
  Inputs extends readonly unknown[],
  Names extends string,
  Own,
  Batch,
  Reductions extends string = Reduction,
> extends Metric<Inputs, Own, Batch, Reductions> {
  /** The gradients of the reduced value. Those of device tensors are device tensors, which fill up while the program goes on. */
  grad<I extends OnDevice<Inputs>>(...inputs: I): DeviceGrad<Names, I>
  grad<I extends OnDevice<Inputs>, R extends Reductions = 'mean' & Reductions>(
    ...args: [...inputs: I, options: DeviceGradOptions<Own & Batch, Names, I, R> | undefined]
  ): DeviceGrad<Names, I>
  grad<I extends Inputs>(...inputs: I): Grad<Names, I>
  grad<I extends Inputs, R extends Reductions = 'mean' & Reductions>(
    ...args: [...inputs: I, options: GradOptions<Own & Batch, Names, I, R> | undefined]
  ): Grad<Names, I>

  /** Value and gradients from one pass over the inputs. */
  valueAndGrad<I extends OnDevice<Inputs>>(...inputs: I): DeviceValueAndGrad<Names, I, 'mean'>
  valueAndGrad<I extends OnDevice<Inputs>, R extends Reductions = 'mean' & Reductions>(
    ...args: [...inputs: I, options: DeviceBothOptions<Own & Batch, Names, I, R> | undefined]
  ): DeviceValueAndGrad<Names, I, R>
  valueAndGrad<I extends Inputs>(...inputs: I): ValueAndGrad<Names, I, 'mean'>
  valueAndGrad<I extends Inputs, R extends Reductions = 'mean' & Reductions>(
    ...args: [...inputs: I, options: BothOptions<Own & Batch, Names, I, R> | undefined]
  ): ValueAndGrad<Names, I, R>

  readonly async: AsyncLoss<Inputs, Names, Own & Batch, Reductions>

  /**
   * Prepares a call for a loop: the arrays are checked once and read anew in each run, which costs tens of nanoseconds.
   * Transferring or shrinking the memory of one of them ends it with ERR_DETACHED. With device tensors a run only puts the call
   * into its stream.
   */
  bind<I extends OnDevice<Inputs>>(...inputs: I): DeviceBoundLoss<Names, I, 'mean', false>
  bind<I extends OnDevice<Inputs>, R extends Reductions = 'mean' & Reductions, G extends boolean = false>(
    ...args: [
      ...inputs: I,
      options: (DeviceBothOptions<Own & Batch, Names, I, R> & { readonly grad?: G | undefined }) | undefined,
    ]
  ): DeviceBoundLoss<Names, I, R, G>
  bind<I extends Inputs>(...inputs: I): BoundLoss<Names, I, 'mean', false>
  bind<I extends Inputs, R extends Reductions = 'mean' & Reductions, G extends boolean = false>(
    ...args: [
      ...inputs: I,
      options: (BothOptions<Own & Batch, Names, I, R> & { readonly grad?: G | undefined }) | undefined,
    ]
  ): BoundLoss<Names, I, R, G>
}

/** A loss without gradients. */
export interface Metric<
  Inputs extends readonly unknown[],
  Own,
  Batch,
  Reductions extends string = Reduction,
> {
  <I extends OnDevice<Inputs>>(...inputs: I): DeviceResult<I, 'mean'>
  <I extends OnDevice<Inputs>, R extends Reductions = 'mean' & Reductions>(
    ...args: [...inputs: I, options: DeviceValueOptions<Own & Batch, I, R> | undefined]
  ): DeviceResult<I, R>
  <I extends Inputs>(...inputs: I): Value<I, 'mean'>
  <I extends Inputs, R extends Reductions = 'mean' & Reductions>(
    ...args: [...inputs: I, options: ValueOptions<Own & Batch, I, R> | undefined]
  ): Value<I, R>

  /** The name of the loss. */
  readonly lossName: string

  readonly async: AsyncMetric<Inputs, Own & Batch, Reductions>

  /** Prepares a call for a loop. */
  bind<I extends OnDevice<Inputs>>(...inputs: I): DeviceBoundLoss<never, I, 'mean', false>
  bind<I extends OnDevice<Inputs>, R extends Reductions = 'mean' & Reductions>(
    ...args: [...inputs: I, options: DeviceBothOptions<Own & Batch, never, I, R> | undefined]
  ): DeviceBoundLoss<never, I, R, false>
  bind<I extends Inputs>(...inputs: I): BoundLoss<never, I, 'mean', false>
  bind<I extends Inputs, R extends Reductions = 'mean' & Reductions>(
    ...args: [...inputs: I, options: BothOptions<Own & Batch, never, I, R> | undefined]
  ): BoundLoss<never, I, R, false>

  readonly accumulator: AccumulatorFactory<Inputs, Own, Batch>
}

/**
 * The same off the event loop, but for what takes less time than handing it over, some microseconds. The inputs are checked
 * before the call returns and errors reject the promise, which never settles before the next turn of the event loop. Until
 * then the arrays are in use: what is written into them may or may not be seen, and their memory must not be transferred or
 * resized. Any number of calls may be under way: a short one does not wait for the end of a long one. With device tensors the
 * promise is settled when the device is done: then a reduced value is a number, and tensors hold what they should.
 */
export interface AsyncLoss<
  Inputs extends readonly unknown[],
  Names extends string,
  Own,
  Reductions extends string = Reduction,
> extends AsyncMetric<Inputs, Own, Reductions> {
  grad<I extends OnDevice<Inputs>>(...inputs: I): Promise<DeviceGrad<Names, I>>
  grad<I extends OnDevice<Inputs>, R extends Reductions = 'mean' & Reductions>(
    ...args: [...inputs: I, options: (DeviceGradOptions<Own, Names, I, R> & Abortable) | undefined]
  ): Promise<DeviceGrad<Names, I>>
  grad<I extends Inputs>(...inputs: I): Promise<Grad<Names, I>>
  grad<I extends Inputs, R extends Reductions = 'mean' & Reductions>(
    ...args: [...inputs: I, options: (GradOptions<Own, Names, I, R> & Abortable) | undefined]
  ): Promise<Grad<Names, I>>

  valueAndGrad<I extends OnDevice<Inputs>>(...inputs: I): Promise<DeviceAwaitedValueAndGrad<Names, I, 'mean'>>
  valueAndGrad<I extends OnDevice<Inputs>, R extends Reductions = 'mean' & Reductions>(
    ...args: [...inputs: I, options: (DeviceBothOptions<Own, Names, I, R> & Abortable) | undefined]
  ): Promise<DeviceAwaitedValueAndGrad<Names, I, R>>
  valueAndGrad<I extends Inputs>(...inputs: I): Promise<ValueAndGrad<Names, I, 'mean'>>
  valueAndGrad<I extends Inputs, R extends Reductions = 'mean' & Reductions>(
    ...args: [...inputs: I, options: (BothOptions<Own, Names, I, R> & Abortable) | undefined]
  ): Promise<ValueAndGrad<Names, I, R>>
}

export interface AsyncMetric<Inputs extends readonly unknown[], Own, Reductions extends string = Reduction> {
  <I extends OnDevice<Inputs>>(...inputs: I): Promise<DeviceAwaited<I, 'mean'>>
  <I extends OnDevice<Inputs>, R extends Reductions = 'mean' & Reductions>(
    ...args: [...inputs: I, options: (DeviceValueOptions<Own, I, R> & Abortable) | undefined]
  ): Promise<DeviceAwaited<I, R>>
  <I extends Inputs>(...inputs: I): Promise<Value<I, 'mean'>>
  <I extends Inputs, R extends Reductions = 'mean' & Reductions>(
    ...args: [...inputs: I, options: (ValueOptions<Own, I, R> & Abortable) | undefined]
  ): Promise<Value<I, R>>
}

/** A prepared call. */
export interface BoundLoss<Names extends string, Inputs extends readonly unknown[], R, G> {
  (): Value<Inputs, R>
  /** The gradients of the last run, in the same arrays each time. */
  readonly grad: G extends true ? Grad<Names, Inputs> : undefined
  /** The values of the last run, where reduction is 'none'. */
  readonly values: R extends 'none' ? ComputeArray<Inputs> : undefined
}
