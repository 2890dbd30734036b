import { damaged, packNumbers, unpackNumbers } from './bytes.ts'

const bins = 2 ** 16
const nan = 0x7fc0

/** Values below which these parts of all rows lie, and what the report calls them. */
export const quantiles = { p50: 0.5, p90: 0.9, p99: 0.99, p999: 0.999 } as const

export interface Distribution {
  readonly min: number
  /** Rounded to 8 significant bits: off by at most one part in 256. */
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly max: number
  /** How many rows have NaN as their loss; they are left out of the numbers above. */
  readonly nan: number
}

/** A bar of a drawn distribution. */
export interface Bar {
  readonly from: number
  readonly to: number
  /** Rows, estimated where the edge of a bar cuts through losses that are counted together. */
  readonly count: number
}

interface Bin {
  readonly value: number
  readonly count: number
}

const bars = 40

/**
 * How often each loss occurs, rounded to 8 significant bits: the upper half of a float32. Counts know no order, and there
 * is no range to be chosen before the data is seen.
 */
export class Histogram {
  readonly #counts = new Float64Array(bins)
  #min = Number.POSITIVE_INFINITY
  #max = Number.NEGATIVE_INFINITY
  /** Of which the upper halves are taken. */
  #floats = new Float32Array()

  /** Adds the losses of rows, but for those that are marked as ignored. */
  add(values: Float32Array | Float64Array, ignored: Uint8Array | undefined): void {
    if (this.#floats.length < values.length) this.#floats = new Float32Array(values.length)
    this.#floats.set(values)
    const words = new Uint32Array(this.#floats.buffer)
    for (let row = 0; row < values.length; row++) {
      if (ignored?.[row] === 1) continue
      // Plus 0: which of 0 and −0 came first must not be seen.
      const value = (values[row] as number) + 0
      const word = words[row] as number
      if (Number.isNaN(value)) {
        this.#counts[nan] = (this.#counts[nan] as number) + 1
        continue
      }
      const bin = (word + 0x8000) >>> 16
      this.#counts[bin] = (this.#counts[bin] as number) + 1
      if (value < this.#min) this.#min = value
      if (value > this.#max) this.#max = value
    }
  }

  merge(other: Histogram): void {
    for (let bin = 0; bin < bins; bin++) {
      this.#counts[bin] = (this.#counts[bin] as number) + (other.#counts[bin] as number)
    }
    this.#min = Math.min(this.#min, other.#min)
    this.#max = Math.max(this.#max, other.#max)
  }

  /** From small to large; bins that hold nothing are left out, and so is NaN. */
  #filled(): readonly Bin[] {
    const found: Bin[] = []
    const word = new Uint32Array(1)
    const float = new Float32Array(word.buffer)
    for (let rank = 0; rank < bins; rank++) {
      // Negative floats have the sign bit set and fall as their bits grow.
      const bin = rank < bins / 2 ? bins - 1 - rank : rank - bins / 2
      const count = this.#counts[bin] as number
      if (count === 0 || bin === nan) continue
      word[0] = bin << 16
      // Rounding may leave the range of what was seen, and make an infinity of a large number.
      const value = Math.min(Math.max(float[0] as number, this.#min), this.#max)
      found.push({ value, count })
    }
    return found
  }

  report(): Distribution {
    const filled = this.#filled()
    const at = (part: number) => quantile(filled, part)
    const [min, max] = filled.length === 0 ? [Number.NaN, Number.NaN] : [this.#min, this.#max]
    const { p50, p90, p99, p999 } = quantiles
    return {
      min,
      p50: at(p50),
      p90: at(p90),
      p99: at(p99),
      p999: at(p999),
      max,
      nan: this.#counts[nan] as number,
    }
  }

  /**
   * The distribution as bars of one width, for a drawing: without the far end of a long tail, which would leave the rest no
   * room. None where there is nothing finite to draw.
   */
  bars(): readonly Bar[] {
    const filled = this.#filled().filter(({ value }) => Number.isFinite(value))
    const [least, most] = [filled[0]?.value, filled.at(-1)?.value]
    if (least === undefined || most === undefined) return []
    if (least === most) return [{ from: least, to: most, count: filled[0]?.count ?? 0 }]
    const high = Math.min(most, 1.3 * quantile(filled, 0.99))
    const low = least < 0 ? Math.max(least, 1.3 * quantile(filled, 0.01)) : least < high / 4 ? 0 : least
    const [from, to] = low < high ? [low, high] : [least, most]
    const width = (to - from) / bars
    const counts = new Float64Array(bars)
    for (const { value, count } of filled) {
      // Losses that are counted together lie within one part in 256 of each other: as wide as that, they leave no gaps.
      const half = Math.abs(value) / 256
      const [start, end] = [(value - half - from) / width, (value + half - from) / width]
      if (end - start < 1e-9) spread(counts, start, start + 1e-9, count)
      else spread(counts, start, end, count)
    }
    return Array.from(counts, (count, i) => ({ from: from + i * width, to: from + (i + 1) * width, count }))
  }

  /** The range, then each bin that holds something with its count. */
  toBytes(): Uint8Array {
    const pairs = [...this.#counts.entries()].filter(([, count]) => count > 0)
    return packNumbers([this.#min, this.#max, ...pairs.flat()])
  }

  static fromBytes(bytes: Uint8Array): Histogram {
    const histogram = new Histogram()
    const [min, max, ...pairs] = unpackNumbers(bytes)
    if (min === undefined || max === undefined || pairs.length % 2 !== 0) throw damaged()
    histogram.#min = min
    histogram.#max = max
    for (let i = 0; i < pairs.length; i += 2) {
      const bin = pairs[i] as number
      if (!(Number.isInteger(bin) && bin >= 0 && bin < bins)) throw damaged()
      histogram.#counts[bin] = pairs[i + 1] as number
    }
    return histogram
  }
}

function quantile(filled: readonly Bin[], part: number): number {
  const total = filled.reduce((sum, { count }) => sum + count, 0)
  let left = Math.max(1, Math.ceil(part * total))
  for (const { value, count } of filled) {
    left -= count
    if (left <= 0) return value
  }
  return Number.NaN
}

/** Shares `count` out to the bars between two positions; what lies beyond the last one is not drawn. */
function spread(counts: Float64Array, start: number, end: number, count: number): void {
  for (let bar = Math.max(0, Math.floor(start)); bar < Math.min(bars, Math.ceil(end)); bar++) {
    const part = (Math.min(end, bar + 1) - Math.max(start, bar)) / (end - start)
    counts[bar] = (counts[bar] as number) + part * count
  }
}
