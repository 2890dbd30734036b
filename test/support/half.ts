/** float16 and bfloat16 as their 16 bits, rounded to nearest, ties to even, from any float64. */

/** An integer nearest to `value`, ties to even; exact below 2^52. */
function nearestEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1
  return floor % 2 === 0 ? floor : floor + 1
}

const view = new DataView(new ArrayBuffer(8))

/** Exponent of a finite number above zero: 2^e <= value < 2^(e+1); of all below 2^-1022, less than -1022. */
function exponentOf(value: number): number {
  view.setFloat64(0, value)
  return (view.getUint16(0) >> 4) - 1023
}

/** 2^n at n + 1023: far sooner than the operator, and tests round millions of numbers. */
const POWERS = Float64Array.from({ length: 2047 }, (_, i) => 2 ** (i - 1023))
const powerOfTwo = (n: number): number => POWERS[n + 1023] as number

interface Format {
  readonly fractionBits: number
  readonly bias: number
}

const FLOAT16: Format = { fractionBits: 10, bias: 15 }
const BFLOAT16: Format = { fractionBits: 7, bias: 127 }

function encode(value: number, { fractionBits, bias }: Format): number {
  const infinity = (2 * bias + 1) << fractionBits
  if (Number.isNaN(value)) return infinity | (1 << (fractionBits - 1))
  const sign = value < 0 || 1 / value < 0 ? 0x8000 : 0
  const magnitude = Math.abs(value)
  if (magnitude === 0) return sign
  if (magnitude === Number.POSITIVE_INFINITY) return sign | infinity
  const exponent = Math.max(exponentOf(magnitude), 1 - bias)
  const significand = nearestEven(magnitude * powerOfTwo(fractionBits - exponent))
  // The implicit bit is 2^fractionBits, so adding the significand also carries into the exponent, up to infinity.
  return sign | Math.min(((exponent + bias - 1) << fractionBits) + significand, infinity)
}

function decode(bits: number, { fractionBits, bias }: Format): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits & 0x7fff) >> fractionBits
  const fraction = bits & ((1 << fractionBits) - 1)
  if (exponent === 2 * bias + 1) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  if (exponent === 0) return sign * fraction * powerOfTwo(1 - bias - fractionBits)
  return sign * (fraction + (1 << fractionBits)) * powerOfTwo(exponent - bias - fractionBits)
}

export const toFloat16 = (value: number): number => encode(value, FLOAT16)
export const fromFloat16 = (bits: number): number => decode(bits, FLOAT16)
export const toBfloat16 = (value: number): number => encode(value, BFLOAT16)
export const fromBfloat16 = (bits: number): number => decode(bits, BFLOAT16)
