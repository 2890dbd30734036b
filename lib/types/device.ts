import type { DtypeName } from '../../binding.js'
import type { Backend } from '../backend/choose.ts'
import type { DeviceStream } from '../cuda/stream.ts'
import type { DeviceTensor } from '../cuda/tensor.ts'
import type { DeviceValue } from '../cuda/value.ts'
import type { DeviceOnly } from '../losses/options.ts'
import type { Tensor } from '../tensor/types.ts'

/** The inputs of a loss where they lie on a device: tensors of the types that may stand in their places. */
export type OnDevice<Inputs extends readonly unknown[]> = {
  [Position in keyof Inputs]: DeviceTensor<DtypesOf<Inputs[Position]>>
}

/** The types of numbers that an input takes, by the arrays that may hold them. */
type DtypesOf<Input> =
  | (Holds<Float32Array, Input> extends true ? 'float32' : never)
  | (Holds<Float64Array, Input> extends true ? 'float64' : never)
  | (HoldsHalf<Input> extends true ? 'float16' | 'bfloat16' : never)
  | (Holds<Int32Array, Input> extends true ? LabelDtype : never)

type LabelDtype = Exclude<DtypeName, 'float32' | 'float64' | 'float16' | 'bfloat16'>

type Holds<Array, Input> = { data: Array; shape: number[] } extends Input ? true : false

type HoldsHalf<Input> = { data: Uint16Array; shape: number[]; dtype: 'bfloat16' } extends Input ? true : false

/** Scores of any float type. */
export type DeviceScores = DeviceTensor<'float32' | 'float64' | 'float16' | 'bfloat16'>

type DtypeOf<Input> = Input extends DeviceTensor<infer D> ? D : never

type ComputeDtype<D> = D extends 'float64' ? 'float64' : 'float32'

/** The values of a loss of device tensors, in the type of its arithmetic. */
export type DeviceValues<Inputs extends readonly unknown[]> = DeviceTensor<ComputeDtype<DtypeOf<Inputs[0]>>>

export type DeviceResult<Inputs extends readonly unknown[], R> = R extends 'none'
  ? DeviceValues<Inputs>
  : DeviceValue

/** The same once the device has computed it. */
export type DeviceAwaited<Inputs extends readonly unknown[], R> = R extends 'none'
  ? DeviceValues<Inputs>
  : number

export type DeviceGradient<Inputs extends readonly unknown[]> = DeviceTensor<DtypeOf<Inputs[0]>>

/** Gradients by the name of their input; see `Grad`. */
export type DeviceGrad<Names extends string, Inputs extends readonly unknown[]> = {
  readonly [Name in Names as Name extends `${string}?` ? never : Name]: DeviceGradient<Inputs>
} & (Optional<Names> extends never
  ? unknown
  : { readonly [Name in Optional<Names>]?: DeviceGradient<Inputs> | undefined })

type Optional<Names extends string> = Names extends `${infer Name}?` ? Name : never

export interface DeviceValueAndGrad<Names extends string, Inputs extends readonly unknown[], R> {
  readonly value: DeviceResult<Inputs, R>
  readonly grad: DeviceGrad<Names, Inputs>
}

export interface DeviceAwaitedValueAndGrad<Names extends string, Inputs extends readonly unknown[], R> {
  readonly value: DeviceAwaited<Inputs, R>
  readonly grad: DeviceGrad<Names, Inputs>
}

/**
 * A prepared call, which is put into its stream each time. The number that a run gives has to be asked for, by `read()`, before
 * the next run.
 */
export interface DeviceBoundLoss<Names extends string, Inputs extends readonly unknown[], R, G> {
  (): DeviceResult<Inputs, R>
  /** The gradients of the last run, in the same tensors each time. */
  readonly grad: G extends true ? DeviceGrad<Names, Inputs> : undefined
  /** The values of the last run, where reduction is 'none'. */
  readonly values: R extends 'none' ? DeviceValues<Inputs> : undefined
}

/** Options that are tensors lie on the device too; here are those that only devices take. */
type OptionsOnDevice<Own> = {
  [Name in keyof Own]: Tensor extends Own[Name]
    ? DeviceTensor | undefined
    : NonNullable<Own[Name]> extends DeviceOnly<infer Value>
      ? Value | undefined
      : Own[Name]
}

/** Options of every form of a loss. */
export interface DeviceCommonOptions {
  /** Replaces the divisor of the mean. */
  readonly divisor?: number | undefined
  readonly backend?: Exclude<Backend, 'cpu'> | undefined
  readonly onEmpty?: 'nan' | 'zero' | undefined
  /** The stream that computes it; that of the device if there is none. */
  readonly stream?: DeviceStream | undefined
}

interface DeviceCallOptions<R extends string> extends DeviceCommonOptions {
  readonly reduction?: R | undefined
  /** The incoming gradient (default 1). Where reduction is 'none', it may be one for each value. */
  readonly upstream?: number | ('none' extends R ? DeviceTensor : never) | undefined
}

/** Options of a batch for an accumulator. */
export type DeviceBatch<Batch> = OptionsOnDevice<Batch> & Pick<DeviceCommonOptions, 'stream'>

type Values<Inputs extends readonly unknown[], R> = 'none' extends R ? DeviceValues<Inputs> : never

type NamedOut<Out> = {
  /** The tensors to fill. A gradient may be written over its own input, where the loss says so. */
  readonly out?: { readonly [Name in keyof Out]?: Out[Name] | undefined } | undefined
}

/** Of a call that gives the value. */
export type DeviceValueOptions<
  Own,
  Inputs extends readonly unknown[],
  R extends string,
> = OptionsOnDevice<Own> & DeviceCallOptions<R> & { readonly out?: Values<Inputs, R> | undefined }

/** Of a call that gives gradients. */
export type DeviceGradOptions<
  Own,
  Names extends string,
  Inputs extends readonly unknown[],
  R extends string,
> = OptionsOnDevice<Own> & DeviceCallOptions<R> & NamedOut<DeviceGrad<Names, Inputs>>

/** Of a call that gives both. */
export type DeviceBothOptions<
  Own,
  Names extends string,
  Inputs extends readonly unknown[],
  R extends string,
> = OptionsOnDevice<Own> &
  DeviceCallOptions<R> &
  NamedOut<DeviceGrad<Names, Inputs> & { readonly value: Values<Inputs, R> }>
