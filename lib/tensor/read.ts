import type { BindingArray } from '../../binding.js'
import { type DeviceTensor, isDeviceTensor, memoryOf, shapeOf } from '../cuda/tensor.ts'
import { LosskitBackendError, LosskitBufferError, LosskitDtypeError, LosskitShapeError } from '../errors.ts'
import { show, showShape } from '../show.ts'
import { type Dtype, declaredDtype, dtypeNamed, dtypeOf, float64, kindOf } from './dtype.ts'
import { isGone } from './memory.ts'
import { readNumbers } from './numbers.ts'
import { isRowMajor, readShape, sizeOf } from './shape.ts'

/** Where the numbers of a tensor are: in an array, or on a device, where only the addon can look at them. */
export type Data = BindingArray | DeviceTensor

/** A tensor as the addon takes it: dense, row-major, of a known type. */
export class Dense {
  constructor(
    readonly data: Data,
    readonly dtype: Dtype,
    /** undefined where the caller gave none: a flat array fits any shape of its length. */
    readonly shape: readonly number[] | undefined,
    /** The class of the caller's array. */
    readonly kind: string,
    /** Given as plain numbers, whose type follows the tensors beside them. */
    readonly isPlain = false,
  ) {}
}

/**
 * What the caller gave as tensor `name`, by structure: no tensor library is known here, and any fits that shows its data
 * and shape. Every property is read once.
 */
export function readTensor(loss: string, name: string, value: unknown): Dense {
  const kind = kindOf(value)
  if (kind !== undefined) {
    return fromArray(loss, name, value as BindingArray, kind, dtypeOf(kind), undefined)
  }
  if (Array.isArray(value)) {
    const { data, shape } = readNumbers(loss, name, value)
    return new Dense(data, float64, shape, 'Float64Array', true)
  }
  if (value instanceof Dense) return value
  if (isDeviceTensor(value)) {
    memoryOf(value, `${loss}: ${name}`)
    return new Dense(value, dtypeNamed(value.dtype), shapeOf(value), 'DeviceTensor')
  }
  if (typeof value === 'object' && value !== null && 'data' in value) {
    return readObject(loss, name, value)
  }
  throw new LosskitDtypeError(
    `${loss}: ${name} is ${show(value)}. It must be a typed array, an array of numbers, or an object with data and shape.`,
  )
}

/** The numbers of a tensor where they have to be looked at before the call. */
export function hostData(who: string, name: string, { data }: Dense): BindingArray {
  if (!isDeviceTensor(data)) return data
  throw new LosskitBackendError(
    `${who}: ${name} lies on CUDA device ${data.device.index}, but it is needed here: give \`await ${name}.read()\`.`,
  )
}

interface TensorLike {
  readonly data?: unknown
  readonly shape?: unknown
  readonly dims?: unknown
  readonly dtype?: unknown
  readonly type?: unknown
  readonly strides?: unknown
  readonly stride?: unknown
  readonly offset?: unknown
}

function readObject(loss: string, name: string, tensor: TensorLike): Dense {
  const { data } = tensor
  const kind = kindOf(data)
  if (kind === undefined) {
    throw new LosskitDtypeError(`${loss}: ${name}.data is ${show(data)}. It must be a typed array.`)
  }
  const declared = tensor.dtype ?? tensor.type
  const dtype = typeof declared === 'string' ? declaredDtype(declared, kind) : dtypeOf(kind)
  if (dtype === undefined && typeof declared === 'string') {
    throw new LosskitDtypeError(
      `${loss}: ${name} says that its type is ${show(declared)}, but its data is a ${kind}. ${CARRIERS}`,
    )
  }
  const sizes = tensor.shape ?? tensor.dims
  const shape = sizes === undefined ? undefined : readShape(loss, name, sizes)
  const result = fromArray(loss, name, data as BindingArray, kind, dtype, shape)
  if (shape === undefined) return result

  if (sizeOf(shape) !== result.data.length) {
    throw new LosskitShapeError(
      `${loss}: ${name} has shape ${showShape(shape)}, which is ${sizeOf(shape)} elements, but its data has ` +
        `${result.data.length}.`,
    )
  }
  if (!isRowMajor(shape, tensor.strides ?? tensor.stride, tensor.offset)) {
    throw new LosskitShapeError(
      `${loss}: ${name} is a view with strides. Its data must be dense and row-major: copy it first.`,
    )
  }
  return result
}

const CARRIERS = 'float16 and bfloat16 come as Uint16Array, any other type as the typed array of its name.'

function fromArray(
  loss: string,
  name: string,
  array: BindingArray,
  kind: string,
  dtype: Dtype | undefined,
  shape: readonly number[] | undefined,
): Dense {
  if (dtype === undefined) {
    throw new LosskitDtypeError(
      `${loss}: ${name} is a ${kind}. It must be a Float32Array, a Float64Array, a signed or unsigned integer array of at ` +
        'most 32 bits, a BigInt64Array, or a half-precision tensor.',
    )
  }
  if (array.length === 0 && isGone(array)) {
    throw new LosskitBufferError(
      'ERR_DETACHED',
      `${loss}: the memory of ${name} is gone: its buffer was transferred or resized. Give an array that still has it.`,
    )
  }
  return new Dense(carrier(array, kind), dtype, shape, kind)
}

/** The addon takes half precision as bits. */
export function carrier(array: BindingArray, kind: string): BindingArray {
  return kind === 'Float16Array' ? new Uint16Array(array.buffer, array.byteOffset, array.length) : array
}
