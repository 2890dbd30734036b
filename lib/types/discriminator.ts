import type { DeviceTensor } from '../cuda/tensor.ts'
import type { ComputeArray, FloatTensor, GradArray, Tensor } from '../tensor/types.ts'
import type { AccumulatorFactory } from './accumulator.ts'
import type {
  DeviceAwaited,
  DeviceCommonOptions,
  DeviceGradient,
  DeviceResult,
  DeviceScores,
  DeviceValues,
} from './device.ts'
import type { Abortable, CommonOptions } from './options.ts'
import type { Reduction } from './results.ts'

/** What belongs to the scores of real samples, and to those of generated ones. */
export interface Sides<Real, Fake = Real> {
  readonly real: Real
  readonly fake: Fake
}

/**
 * A loss of the scores of two batches: real samples and generated ones, which may differ in number. The mean is the sum of both
 * means, and reduction 'none' gives the values of each.
 */
export interface Discriminator<Own> {
  <R extends DeviceScores, F extends DeviceScores, Word extends Reduction = 'mean'>(
    real: R,
    fake: F,
    options?: Own & DeviceSideOptions<Word> & DeviceValueBuffers<R, F, Word>,
  ): DeviceSideValue<R, F, Word>
  <R extends FloatTensor, F extends FloatTensor>(real: R, fake: F): number
  <R extends FloatTensor, F extends FloatTensor, Word extends Reduction = 'mean'>(
    real: R,
    fake: F,
    options: (Own & SideOptions<Word> & ValueBuffers<R, F, Word>) | undefined,
  ): SideValue<R, F, Word>

  grad<R extends DeviceScores, F extends DeviceScores, Word extends Reduction = 'mean'>(
    real: R,
    fake: F,
    options?: Own & DeviceSideOptions<Word> & DeviceGradBuffers<R, F>,
  ): DeviceSideGrad<R, F>
  grad<R extends FloatTensor, F extends FloatTensor, Word extends Reduction = 'mean'>(
    real: R,
    fake: F,
    options?: Own & SideOptions<Word> & GradBuffers<R, F>,
  ): SideGrad<R, F>

  valueAndGrad<R extends DeviceScores, F extends DeviceScores, Word extends Reduction = 'mean'>(
    real: R,
    fake: F,
    options?: Own & DeviceSideOptions<Word> & DeviceBuffers<R, F, Word>,
  ): { readonly value: DeviceSideValue<R, F, Word>; readonly grad: DeviceSideGrad<R, F> }
  valueAndGrad<R extends FloatTensor, F extends FloatTensor, Word extends Reduction = 'mean'>(
    real: R,
    fake: F,
    options?: Own & SideOptions<Word> & Buffers<R, F, Word>,
  ): { readonly value: SideValue<R, F, Word>; readonly grad: SideGrad<R, F> }

  /** The name of the loss. */
  readonly lossName: string

  /** The same off the event loop; see `AsyncLoss`. */
  readonly async: AsyncDiscriminator<Own>

  /** Prepares a call for a loop; see `Loss.bind`. */
  bind<
    R extends DeviceScores,
    F extends DeviceScores,
    Word extends Reduction = 'mean',
    G extends boolean = false,
  >(
    real: R,
    fake: F,
    options?: Own & DeviceSideOptions<Word> & DeviceBuffers<R, F, Word> & { readonly grad?: G | undefined },
  ): DeviceBoundDiscriminator<R, F, Word, G>
  bind<
    R extends FloatTensor,
    F extends FloatTensor,
    Word extends Reduction = 'mean',
    G extends boolean = false,
  >(
    real: R,
    fake: F,
    options?: Own & SideOptions<Word> & Buffers<R, F, Word> & { readonly grad?: G | undefined },
  ): BoundDiscriminator<R, F, Word, G>

  /** Adds up any number of batches of both; `count` is that of all scores. */
  readonly accumulator: AccumulatorFactory<
    readonly [real: FloatTensor, fake: FloatTensor],
    Own,
    Record<never, never>
  >
}

export interface AsyncDiscriminator<Own> {
  <R extends DeviceScores, F extends DeviceScores, Word extends Reduction = 'mean'>(
    real: R,
    fake: F,
    options?: Own & DeviceSideOptions<Word> & DeviceValueBuffers<R, F, Word> & Abortable,
  ): Promise<DeviceSideAwaited<R, F, Word>>
  <R extends FloatTensor, F extends FloatTensor, Word extends Reduction = 'mean'>(
    real: R,
    fake: F,
    options?: Own & SideOptions<Word> & ValueBuffers<R, F, Word> & Abortable,
  ): Promise<SideValue<R, F, Word>>

  grad<R extends DeviceScores, F extends DeviceScores, Word extends Reduction = 'mean'>(
    real: R,
    fake: F,
    options?: Own & DeviceSideOptions<Word> & DeviceGradBuffers<R, F> & Abortable,
  ): Promise<DeviceSideGrad<R, F>>
  grad<R extends FloatTensor, F extends FloatTensor, Word extends Reduction = 'mean'>(
    real: R,
    fake: F,
    options?: Own & SideOptions<Word> & GradBuffers<R, F> & Abortable,
  ): Promise<SideGrad<R, F>>

  valueAndGrad<R extends DeviceScores, F extends DeviceScores, Word extends Reduction = 'mean'>(
    real: R,
    fake: F,
    options?: Own & DeviceSideOptions<Word> & DeviceBuffers<R, F, Word> & Abortable,
  ): Promise<{ readonly value: DeviceSideAwaited<R, F, Word>; readonly grad: DeviceSideGrad<R, F> }>
  valueAndGrad<R extends FloatTensor, F extends FloatTensor, Word extends Reduction = 'mean'>(
    real: R,
    fake: F,
    options?: Own & SideOptions<Word> & Buffers<R, F, Word> & Abortable,
  ): Promise<{ readonly value: SideValue<R, F, Word>; readonly grad: SideGrad<R, F> }>
}

/** A prepared call. */
export interface BoundDiscriminator<R, F, Word, G> {
  (): SideValue<R, F, Word>
  /** The gradients of the last run, in the same arrays each time. */
  readonly grad: G extends true ? SideGrad<R, F> : undefined
  /** The values of the last run, where reduction is 'none'. */
  readonly values: Word extends 'none' ? SideValues<R, F> : undefined
}

/** Each batch is computed in the type of its scores. */
type SideValues<R, F> = Sides<ComputeArray<readonly [R]>, ComputeArray<readonly [F]>>

type SideValue<R, F, Word> = Word extends 'none' ? SideValues<R, F> : number

type SideGrad<R, F> = Sides<GradArray<readonly [R]>, GradArray<readonly [F]>>

interface SideOptions<Word extends string> extends CommonOptions {
  /** 'mean' (the default) or 'sum' of the values of each batch, added, or 'none': every value. */
  readonly reduction?: Word | undefined
  /** The incoming gradient (default 1). Where reduction is 'none', it may be one for each value. */
  readonly upstream?: number | ('none' extends Word ? Sides<Tensor> : never) | undefined
}

interface ValueBuffers<R, F, Word> {
  readonly out?: ('none' extends Word ? Partial<SideValues<R, F>> : never) | undefined
}

interface GradBuffers<R, F> {
  readonly out?: Partial<SideGrad<R, F>> | undefined
}

interface Buffers<R, F, Word> {
  readonly out?:
    | (Partial<SideGrad<R, F>> & {
        readonly value?: ('none' extends Word ? Partial<SideValues<R, F>> : never) | undefined
      })
    | undefined
}

/** A prepared call of device tensors; see `DeviceBoundLoss`. */
export interface DeviceBoundDiscriminator<R extends DeviceTensor, F extends DeviceTensor, Word, G> {
  (): DeviceSideValue<R, F, Word>
  readonly grad: G extends true ? DeviceSideGrad<R, F> : undefined
  readonly values: Word extends 'none' ? DeviceSideValues<R, F> : undefined
}

type DeviceSideValues<R extends DeviceTensor, F extends DeviceTensor> = Sides<
  DeviceValues<readonly [R]>,
  DeviceValues<readonly [F]>
>

type DeviceSideValue<R extends DeviceTensor, F extends DeviceTensor, Word> = Word extends 'none'
  ? DeviceSideValues<R, F>
  : DeviceResult<readonly [R], Word>

type DeviceSideAwaited<R extends DeviceTensor, F extends DeviceTensor, Word> = Word extends 'none'
  ? DeviceSideValues<R, F>
  : DeviceAwaited<readonly [R], Word>

type DeviceSideGrad<R extends DeviceTensor, F extends DeviceTensor> = Sides<
  DeviceGradient<readonly [R]>,
  DeviceGradient<readonly [F]>
>

interface DeviceSideOptions<Word extends string> extends DeviceCommonOptions {
  readonly reduction?: Word | undefined
  readonly upstream?: number | ('none' extends Word ? Sides<DeviceTensor> : never) | undefined
}

interface DeviceValueBuffers<R extends DeviceTensor, F extends DeviceTensor, Word> {
  readonly out?: ('none' extends Word ? Partial<DeviceSideValues<R, F>> : never) | undefined
}

interface DeviceGradBuffers<R extends DeviceTensor, F extends DeviceTensor> {
  readonly out?: Partial<DeviceSideGrad<R, F>> | undefined
}

interface DeviceBuffers<R extends DeviceTensor, F extends DeviceTensor, Word> {
  readonly out?:
    | (Partial<DeviceSideGrad<R, F>> & {
        readonly value?: ('none' extends Word ? Partial<DeviceSideValues<R, F>> : never) | undefined
      })
    | undefined
}
