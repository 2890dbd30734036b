/**
 * Sums and quotients in unbounded integers, rounded once to float64. The unit is 2^-1074, the smallest float64 above
 * zero, of which every finite float64 (and so every float32) is a whole multiple.
 */

const view = new DataView(new ArrayBuffer(8))

/** A finite float64 as a whole number of units of 2^-1074. */
export function units(value: number): bigint {
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const exponent = (bits >> 52n) & 0x7ffn
  const fraction = bits & 0xfffffffffffffn
  if (exponent === 0x7ffn) throw new RangeError(`${value} has no units`)
  const magnitude = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n)
  return bits >> 63n === 1n ? -magnitude : magnitude
}

function bitLength(positive: bigint): number {
  const hex = positive.toString(16)
  return (hex.length - 1) * 4 + (32 - Math.clz32(Number.parseInt(hex.slice(0, 1), 16)))
}

/** The float64 nearest to numerator / denominator × 2^scale, ties to even. The denominator is positive. */
export function nearest(numerator: bigint, denominator: bigint, scale = 0): number {
  if (denominator <= 0n) throw new RangeError('the denominator must be positive')
  if (numerator === 0n) return 0
  const sign = numerator < 0n ? -1 : 1
  const n = numerator < 0n ? -numerator : numerator

  // The result is significand × 2^exponent with a significand of 53 bits, or fewer where that would fall below 2^-1074.
  let exponent = Math.max(bitLength(n) - bitLength(denominator) - 53, -1074 - scale)
  let significand = roundedQuotient(n, denominator, exponent)
  if (significand > 1n << 53n) significand = roundedQuotient(n, denominator, ++exponent)
  if (exponent + scale > 971) return sign * Number.POSITIVE_INFINITY
  return sign * Number(significand) * 2 ** (exponent + scale)
}

/** n / (d × 2^exponent) to the nearest integer, ties to even. */
function roundedQuotient(n: bigint, d: bigint, exponent: number): bigint {
  const a = exponent < 0 ? n << BigInt(-exponent) : n
  const b = exponent < 0 ? d : d << BigInt(exponent)
  const quotient = a / b
  const twice = 2n * (a - quotient * b)
  const up = twice > b || (twice === b && quotient % 2n === 1n)
  return up ? quotient + 1n : quotient
}

/** What a sum of values that are not all finite is: NaN, an infinity, or undefined where all are finite. */
function unbounded(values: Iterable<number>): number | undefined {
  let positive = false
  let negative = false
  for (const value of values) {
    if (Number.isNaN(value)) return Number.NaN
    if (value === Number.POSITIVE_INFINITY) positive = true
    if (value === Number.NEGATIVE_INFINITY) negative = true
  }
  if (positive && negative) return Number.NaN
  if (positive) return Number.POSITIVE_INFINITY
  return negative ? Number.NEGATIVE_INFINITY : undefined
}

export function sumInUnits(values: Iterable<number>): bigint {
  let sum = 0n
  for (const value of values) sum += units(value)
  return sum
}

/** The float64 nearest to the exact sum. */
export function exactSum(values: Iterable<number>): number {
  return unbounded(values) ?? nearest(sumInUnits(values), 1n, -1074)
}

/** The float64 nearest to the exact sum divided by `divisor` (by the number of values if not given). */
export function exactMean(
  values: ArrayLike<number> & Iterable<number>,
  divisor: number = values.length,
): number {
  return exactQuotient(values, [divisor])
}

/** The float64 nearest to the quotient of two exact sums, of which the second is finite and not below zero. */
export function exactQuotient(values: Iterable<number>, divisors: Iterable<number>): number {
  const by = sumInUnits(divisors)
  const special = unbounded(values)
  if (special !== undefined) return special
  const sum = sumInUnits(values)
  if (by === 0n) return nearest(sum, 1n) / 0
  return nearest(sum, by)
}
