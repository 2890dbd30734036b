/** Numbers as a reader wants them. */

export const none = '–'

/** Three significant digits. @param {number} value */
export const short = value => (value >= 100 ? value.toFixed(0) : value.toPrecision(3))

/** @param {number} ns */
export function duration(ns) {
  if (ns < 1e3) return `${short(ns)} ns`
  if (ns < 1e6) return `${short(ns / 1e3)} µs`
  if (ns < 1e9) return `${short(ns / 1e6)} ms`
  return `${short(ns / 1e9)} s`
}

/** @param {number} bytes */
export const size = bytes => (bytes < 2 ** 20 ? `${bytes / 2 ** 10} KiB` : `${bytes / 2 ** 20} MiB`)

/** @param {number} share */
export const percent = share => `${(100 * share).toFixed(0)} %`

/** @param {number} ratio */
export const times = ratio => `${short(ratio)}×`
