import type { DtypeName } from '../../binding.js'
import { binding } from '../backend/binding.ts'

export interface Dtype {
  readonly name: DtypeName
  /** What the addon calls it. */
  readonly code: number
  readonly isFloat: boolean
}

function dtype(name: DtypeName): Dtype {
  const code = binding.dtypes.indexOf(name)
  return { name, code, isFloat: name.includes('float') }
}

export const float32 = dtype('float32')
export const float64 = dtype('float64')
export const float16 = dtype('float16')
export const bfloat16 = dtype('bfloat16')
export const int32 = dtype('int32')

/** What a typed array holds, by its class. */
const dtypeOfKind: Readonly<Record<string, Dtype | undefined>> = {
  Float32Array: float32,
  Float64Array: float64,
  Float16Array: float16,
  Int8Array: dtype('int8'),
  Uint8Array: dtype('uint8'),
  Int16Array: dtype('int16'),
  Uint16Array: dtype('uint16'),
  Int32Array: int32,
  Uint32Array: dtype('uint32'),
  BigInt64Array: dtype('int64'),
}

const getKind = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)?.get as (this: unknown) => string | undefined

/**
 * The class of a typed array by name, undefined for anything else. It is a brand that cannot be forged, and unlike
 * `instanceof` it knows arrays of other realms (vm contexts, test runners).
 */
export function kindOf(value: unknown): string | undefined {
  return getKind.call(value)
}

/** What a typed array holds by its class alone; undefined where losskit has no use for the class. */
export function dtypeOf(kind: string): Dtype | undefined {
  return dtypeOfKind[kind]
}

const dtypes = new Map(
  [float32, float64, float16, bfloat16, ...Object.values(dtypeOfKind)].map(type => [type?.name, type]),
)

/** A dtype by its name. */
export function dtypeNamed(name: DtypeName): Dtype {
  return dtypes.get(name) as Dtype
}

/** The type of a tensor object that says `name` of an array of class `kind`; undefined where the two do not fit. */
export function declaredDtype(name: string, kind: string): Dtype | undefined {
  if (kind === 'Uint16Array' && name === 'float16') return float16
  if (kind === 'Uint16Array' && name === 'bfloat16') return bfloat16
  const held = dtypeOfKind[kind]
  if (held?.name === name || (held?.name === 'uint8' && name === 'bool')) return held
  return undefined
}
