import type { BindingArray, DtypeName } from '../../binding.js'
import { binding } from '../backend/binding.ts'
import { LosskitBackendError, LosskitDtypeError, LosskitOptionError } from '../errors.ts'
import { show, showList } from '../show.ts'

/** Arrays by the name of what they hold; half precision is carried as bits. */
export interface AllocatedArrays {
  float32: Float32Array<ArrayBuffer>
  float64: Float64Array<ArrayBuffer>
  float16: Uint16Array<ArrayBuffer>
  bfloat16: Uint16Array<ArrayBuffer>
  int8: Int8Array<ArrayBuffer>
  uint8: Uint8Array<ArrayBuffer>
  int16: Int16Array<ArrayBuffer>
  uint16: Uint16Array<ArrayBuffer>
  int32: Int32Array<ArrayBuffer>
  uint32: Uint32Array<ArrayBuffer>
  int64: BigInt64Array<ArrayBuffer>
}

interface ArrayClass {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBuffer, byteOffset: number, length: number): BindingArray
}

const classes: Readonly<Record<DtypeName, ArrayClass>> = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
}

/** From so many bytes on huge pages save more than asking for them costs. */
const LARGE = 4 * 2 ** 20

/**
 * An array of `length` zeroes for inputs, gradients and values of large batches. It begins at a multiple of 64 bytes, which is
 * why it may lie at an offset in its buffer, and from 4 MB on it lies in huge pages where Linux has some: its first use is not
 * stopped at every 4 kB, and fewer addresses have to be looked up. Otherwise it is an array like any other.
 *
 * @param length  how many elements
 * @param dtype   what they are: 'float32' (the default) gives a Float32Array, 'int64' a BigInt64Array, and so on; 'float16' and
 *   'bfloat16' a Uint16Array, which takes its dtype beside it in a tensor
 * @throws ERR_OPTION for a length that is no whole number from 0 on, ERR_DTYPE for another dtype, ERR_BACKEND where there is no
 *   memory.
 * @example alloc(4, 'float32')  // [0, 0, 0, 0]
 */
export function alloc<Name extends DtypeName = 'float32'>(length: number, dtype?: Name): AllocatedArrays[Name]
export function alloc(length: number, dtype: DtypeName = 'float32'): BindingArray {
  requireDtype('alloc', dtype)
  const Class = classes[dtype]
  if (!Number.isSafeInteger(length) || length < 0) {
    throw new LosskitOptionError(`alloc: length is ${show(length)}. It must be a whole number from 0 on.`)
  }
  const bytes = length * Class.BYTES_PER_ELEMENT
  if (bytes === 0) return new Class(new ArrayBuffer(0), 0, 0)
  try {
    const memory = new ArrayBuffer(bytes + 63)
    const array = new Class(memory, binding.bytesToLine(new Uint8Array(memory, 0, 1)), length)
    if (bytes >= LARGE) binding.useHugePages(array)
    return array
  } catch (error) {
    // Engines say by a RangeError that they have no memory, or no array as long.
    if (!(error instanceof RangeError)) throw error
    throw new LosskitBackendError(`alloc: there is not enough memory for ${length} elements of ${dtype}.`)
  }
}

/** Refuses what names no dtype. */
export function requireDtype(who: string, dtype: unknown): asserts dtype is DtypeName {
  if (typeof dtype === 'string' && Object.hasOwn(classes, dtype)) return
  const names = Object.keys(classes).map(name => `'${name}'`)
  throw new LosskitDtypeError(`${who}: dtype is ${show(dtype)}. It must be ${showList(names, 'or')}.`)
}

/** How many bytes so many elements are. */
export function bytesOf(dtype: DtypeName, length: number): number {
  return length * classes[dtype].BYTES_PER_ELEMENT
}

/** A new array for elements of a dtype. */
export function newArrayOf(dtype: DtypeName, length: number): BindingArray {
  return new classes[dtype](new ArrayBuffer(bytesOf(dtype, length)), 0, length)
}

/** A new array of a class by its name, for what the library gives back. */
export function createArray(kind: string, length: number): BindingArray {
  const array = newArray(kind, length)
  if (array.byteLength >= LARGE) binding.useHugePages(array)
  return array
}

function newArray(kind: string, length: number): BindingArray {
  if (kind === 'Float32Array') return new Float32Array(length)
  if (kind === 'Float64Array') return new Float64Array(length)
  if (kind === 'Uint16Array') return new Uint16Array(length)
  // Only where the runtime has them can predictions be Float16Arrays.
  const Float16Array = Reflect.get(globalThis, kind) as Uint16ArrayConstructor
  return new Float16Array(length)
}
