import type { DtypeName } from '../../binding.js'

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
  readonly buffer: ArrayBufferLike
  readonly byteOffset: number
  readonly byteLength: number
  readonly length: number
  readonly [index: number]: number
  [Symbol.iterator](): ArrayIterator<number>
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

type FloatDtype = 'float32' | 'float64' | 'float16'

type IndexDtype = 'int8' | 'uint8' | 'bool' | 'int16' | 'uint16' | 'int32' | 'uint32' | 'int64'

/** A tensor of floats: a typed array, an object with `data` and `shape`, or plain numbers. */
export type FloatTensor = FloatData | TensorObject<FloatData, FloatDtype> | HalfTensor | PlainNumbers

type FloatData = FloatArray | Float16ArrayLike

/** Floats that fit into float32. */
export type NarrowFloatTensor = NarrowData | TensorObject<NarrowData, FloatDtype> | HalfTensor

/** Floats as wide as they come: beside them any other may stand. */
export type WideFloatTensor = Float64Array | TensorObject<Float64Array, FloatDtype> | PlainNumbers

type NarrowData = Float32Array | Float16ArrayLike

/** Whole numbers: class labels, or targets of 0 and 1. Plain numbers must be whole. */
export type LabelTensor = IndexArray | readonly number[] | TensorObject<IndexArray, IndexDtype>

/** A tensor of any type: whether it may stand where it is given is then seen at run time only. */
export type Tensor = TypedArray | PlainNumbers | TensorObject<TypedArray, string>

type TypedArray = FloatArray | Float16ArrayLike | IndexArray

/** The array type in which a loss of these inputs is computed: float64 where the first of them is. */
export type ComputeArray<Inputs extends readonly unknown[]> = Inputs[0] extends PlainNumbers
  ? Extract<Inputs[number], NarrowFloatTensor> extends never
    ? Float64Array
    : Float32Array
  : ComputeOf<DataOf<Inputs[0]>>

/** The array type of a gradient: that of the first input. */
export type GradArray<Inputs extends readonly unknown[]> = Inputs[0] extends PlainNumbers
  ? ComputeArray<Inputs>
  : GradOf<DataOf<Inputs[0]>>

type DataOf<T> = T extends { readonly data: infer Data } ? Data : T

/** What a tensor becomes on a device: as it is, plain numbers as float32. */
export type UploadedDtype<T> = T extends PlainNumbers
  ? 'float32'
  : T extends
        | { readonly dtype: infer Name extends DtypeName }
        | { readonly type: infer Name extends DtypeName }
    ? Name
    : DtypeOfArray<DataOf<T>>

type DtypeOfArray<Data> = {
  [Name in keyof ArrayOf]: Data extends ArrayOf[Name] ? Name : never
}[keyof ArrayOf]

interface ArrayOf {
  float32: Float32Array
  float64: Float64Array
  float16: Float16ArrayLike
  int8: Int8Array
  uint8: Uint8Array
  int16: Int16Array
  uint16: Uint16Array
  int32: Int32Array
  uint32: Uint32Array
  int64: BigInt64Array
}

type ComputeOf<Data> = Data extends Float64Array ? Float64Array : Float32Array

type GradOf<Data> = Data extends Float16ArrayLike
  ? Data
  : Data extends Uint16Array
    ? Uint16Array
    : ComputeOf<Data>
