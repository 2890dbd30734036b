/** Distances counted in units in the last place of the truth. */

const SUBNORMAL_FROM = { float32: -126, float64: -1022 } as const
const FRACTION_BITS = { float32: 23, float64: 52 } as const

export type ComputeType = 'float32' | 'float64'

/** The spacing of the numbers of `type` around `value`. */
export function ulp(value: number, type: ComputeType): number {
  const magnitude = Math.abs(value)
  let exponent = magnitude === 0 ? Number.NEGATIVE_INFINITY : Math.floor(Math.log2(magnitude))
  if (2 ** exponent > magnitude) exponent--
  return 2 ** (Math.max(exponent, SUBNORMAL_FROM[type]) - FRACTION_BITS[type])
}

/** How far `actual` is from the float64 `truth`, in ulps of `type`; 0 for equal infinities and for NaN against NaN. */
export function ulpsApart(actual: number, truth: number, type: ComputeType): number {
  if (Object.is(actual, truth) || actual === truth) return 0
  if (!Number.isFinite(actual) || !Number.isFinite(truth)) return Number.POSITIVE_INFINITY
  return Math.abs(actual - truth) / ulp(truth, type)
}
