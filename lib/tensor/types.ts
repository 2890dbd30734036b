/** Arrays in which losskit computes. */
export type FloatArray = Float32Array | Float64Array

/** Arrays that can hold class labels, and targets of 0 and 1. */
export type IndexArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array

/** A Float16Array, by structure: neither every runtime nor every TypeScript library has it. */
export interface Float16ArrayLike {
  readonly [Symbol.toStringTag]: 'Float16Array'
  readonly BYTES_PER_ELEMENT: number
  readonly buffer: ArrayBufferLike
  readonly byteOffset: number
  readonly byteLength: number
  readonly length: number
}

/** Numbers as JavaScript has them: float64, or the type of a typed array that stands beside them. */
export type PlainNumbers = readonly number[] | readonly (readonly number[])[]

/**
 * Anything with `data` and `shape`, row-major: tensors of ONNX Runtime fit, and so do most others. `dims` may stand for
 * `shape` and `type` for `dtype`.
 */
export interface TensorObject<Data, Dtype extends string> {
  readonly data: Data
  readonly shape?: readonly number[] | undefined
  readonly dims?: readonly number[] | undefined
  readonly dtype?: Dtype | undefined
  readonly type?: Dtype | undefined
}

/** Half precision, which JavaScript carries as bits: only `dtype` tells them from whole numbers. */
export type HalfTensor = TensorObject<Uint16Array, HalfDtype> &
  ({ readonly dtype: HalfDtype } | { readonly type: HalfDtype })

type HalfDtype = 'float16' | 'bfloat16'

type IndexDtype = 'int8' | 'uint8' | 'bool' | 'int16' | 'uint16' | 'int32' | 'uint32' | 'int64'

/** A tensor of floats: a typed array, an object with `data` and `shape`, or plain numbers. */
export type FloatTensor = NarrowFloatTensor | Float64Tensor | PlainNumbers

/** Floats that fit into float32. */
export type NarrowFloatTensor =
  | Float32Array
  | Float16ArrayLike
  | TensorObject<Float32Array, 'float32'>
  | TensorObject<Float16ArrayLike, 'float16'>
  | HalfTensor

export type Float64Tensor = Float64Array | TensorObject<Float64Array, 'float64'>

/** Whole numbers: class labels, or targets of 0 and 1. Plain numbers must be whole. */
export type LabelTensor = IndexArray | readonly number[] | TensorObject<IndexArray, IndexDtype>

/** A tensor of any type: whether it may stand where it is given is then seen at run time only. */
export type Tensor = TypedArray | PlainNumbers | TensorObject<TypedArray, string>

type TypedArray = FloatArray | Float16ArrayLike | IndexArray

/** The array type in which a loss of `Pred` and `Target` is computed: float64 where the predictions are. */
export type ComputeArray<Pred, Target> = Pred extends Float64Tensor
  ? Float64Array
  : Pred extends PlainNumbers
    ? Target extends NarrowFloatTensor
      ? Float32Array
      : Float64Array
    : Float32Array

/** The array type of a gradient: that of the predictions. */
export type GradArray<Pred, Target> = Pred extends Float16ArrayLike
  ? Pred
  : Pred extends { readonly data: Uint16Array }
    ? Uint16Array
    : Pred extends { readonly data: infer Data extends Float16ArrayLike }
      ? Data
      : ComputeArray<Pred, Target>

/** What may stand as weights beside predictions of type `Pred`, or as targets: anything not wider. */
export type NotWider<Pred> = Pred extends NarrowFloatTensor ? NarrowFloatTensor | PlainNumbers : FloatTensor
