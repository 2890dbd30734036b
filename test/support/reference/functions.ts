/** Functions that keep what is small, in plain float64. */

/** a·b where a = 0 switches the term off, whatever b is. */
export const times = (a: number, b: number): number => (a === 0 ? 0 : a * b)

/** log(1 + e^x) */
export const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))

export const sigmoid = (x: number): number =>
  x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x))

/** max(x, 0), NaN for NaN. */
export const relu = (x: number): number => Math.max(x, 0)

/**
 * How many times the rounding errors of x the power x^γ has; and as e^(γ log x) one rounding more, that of the exponent,
 * which in units of an eighth is |γ log x|.
 */
export const powerErrors = (x: number, gamma: number): number =>
  gamma * (1 + (x > 0 ? Math.abs(Math.log(x)) / 8 : 0))

/** A sum that does not lose the small terms (Neumaier's compensated sum). */
export function compensatedSum(terms: Iterable<number>): number {
  let sum = 0
  let lost = 0
  for (const term of terms) {
    const next = sum + term
    if (Number.isFinite(next)) lost += Math.abs(sum) >= Math.abs(term) ? sum - next + term : term - next + sum
    sum = next
  }
  return sum + lost
}

/** The sum of products; the sum of products with themselves without a second list. */
export const dot = (a: readonly number[], b: readonly number[] = a): number =>
  compensatedSum(a.map((x, k) => x * (b[k] as number)))

/** log Σ e^x, -∞ of nothing. */
export function logSumExp(terms: readonly number[]): number {
  const top = terms.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  if (top === Number.NEGATIVE_INFINITY) return top
  return top + Math.log(compensatedSum(terms.map(term => Math.exp(term - top))))
}
