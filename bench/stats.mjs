/**
 * Robust summaries: a busy neighbour makes a few samples slow, which moves a mean and leaves a median.
 *
 * @typedef {{ median: number, q1: number, q3: number, mad: number, samples: number }} Summary
 */

/** Quantile by linear interpolation. @param {number[]} sorted @param {number} p */
export function quantile(sorted, p) {
  const at = p * (sorted.length - 1)
  const low = Math.floor(at)
  const high = Math.min(low + 1, sorted.length - 1)
  return sorted[low] + (at - low) * (sorted[high] - sorted[low])
}

/** @param {number[]} values */
const sort = values => Float64Array.from(values).sort()

/** @param {number[]} values at least one @returns {Summary} */
export function summarise(values) {
  const sorted = [...sort(values)]
  const median = quantile(sorted, 0.5)
  const deviations = [...sort(values.map(value => Math.abs(value - median)))]
  return {
    median,
    q1: quantile(sorted, 0.25),
    q3: quantile(sorted, 0.75),
    mad: quantile(deviations, 0.5),
    samples: values.length,
  }
}
