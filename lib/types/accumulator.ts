import type { DeviceOnly } from '../losses/options.ts'
import type { Tensor } from '../tensor/types.ts'
import type { DeviceBatch, OnDevice } from './device.ts'
import type { Abortable, BatchWeights, CommonOptions, Unabortable } from './options.ts'

export interface AccumulatorFactory<Inputs extends readonly unknown[], Own, Batch> {
  (options?: AccumulatorOptions<Own>): Accumulator<Inputs, Batch>

  /**
   * Reads what `toBytes` wrote. Options that are given must be those of the bytes, others are taken from there. Tensors are
   * stored as fingerprints only: to add more rows, give them again.
   */
  fromBytes(bytes: Uint8Array, options?: AccumulatorOptions<Own>): Accumulator<Inputs, Batch>
}

/** Batches may lie on a device: then options for devices are those of all of them. */
type OfBatches<Own> = {
  [Name in keyof Own]: NonNullable<Own[Name]> extends DeviceOnly<infer Value> ? Value | undefined : Own[Name]
}

export type AccumulatorOptions<Own> = OfBatches<Own> &
  CommonOptions & { readonly reduction?: 'mean' | 'sum' | undefined }

/**
 * A loss over any number of batches. The sum is exact, so neither the order of the rows nor how they were cut into batches,
 * processes or machines can be seen: the value is the same, and so are the bytes.
 *
 * `Accumulator` alone, without type arguments, is one of any loss.
 */
export interface Accumulator<Inputs extends readonly unknown[] = readonly Tensor[], Batch = BatchWeights> {
  /** Adds a batch. If it is refused, the accumulator stays as it was. */
  update<I extends Inputs>(...inputs: I): this
  update<I extends Inputs>(...args: [...inputs: I, options: (Batch & Unabortable) | undefined]): this
  /**
   * The same off the event loop, or on a device for tensors that lie there. Several batches may be under way; each counts when it
   * is done.
   */
  updateAsync<I extends OnDevice<Inputs>>(...inputs: I): Promise<this>
  updateAsync<I extends OnDevice<Inputs>>(
    ...args: [...inputs: I, options: (DeviceBatch<Batch> & Abortable) | undefined]
  ): Promise<this>
  updateAsync<I extends Inputs>(...inputs: I): Promise<this>
  updateAsync<I extends Inputs>(
    ...args: [...inputs: I, options: (Batch & Abortable) | undefined]
  ): Promise<this>
  /** Adds the rows of another accumulator of this loss with the same options; that one stays as it is. */
  merge(other: Accumulator<Inputs, Batch>): this
  /** The mean or sum of all rows so far. */
  readonly value: number
  /** How many values the sum holds: ignored rows do not count. */
  readonly count: number
  /** Loss, options and sum, to be sent, stored or compared: the same rows give the same bytes. */
  toBytes(): Uint8Array
}
