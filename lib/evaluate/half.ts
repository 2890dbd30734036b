import type { Dtype } from './source.ts'

/** The value of a float16 from its bits: 1 sign bit, 5 of exponent, 10 of fraction. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * (1024 + fraction) * 2 ** (exponent - 25)
}

const bits = new Uint32Array(1)
const float = new Float32Array(bits.buffer)

/** The value of a bfloat16 from its bits, which are the upper half of a float32's. */
function brainToNumber(half: number): number {
  bits[0] = half << 16
  return float[0] as number
}

/** What turns the bits of a type that travels as bits into its values. */
export function bitsDecoder(dtype: Dtype): ((bits: number) => number) | undefined {
  if (dtype === 'float16') return halfToNumber
  return dtype === 'bfloat16' ? brainToNumber : undefined
}
