import { isSet } from '../../duckdb/vectors.ts'
import type { ColumnArray } from '../source.ts'

/** Where the numbers of a column go: a row of `width` numbers of a field, from `offset` on in it. */
export interface Place {
  readonly field: number
  readonly offset: number
  readonly width: number
}

/** The values of one column in some rows, with a bit for each value that is there. */
export interface ColumnPart {
  /** Rows `from` to `end` into `to`, whose row `at` is the first of them. `miss` is called for those without a value. */
  copy(from: number, end: number, to: ColumnArray, at: number, miss: (row: number) => void): void
}

/** A number for each row: all of a field, or one of several columns beside each other. */
export class Numbers implements ColumnPart {
  readonly #data: ColumnArray
  readonly #mask: Uint8Array | undefined
  readonly #place: Place

  constructor(data: ColumnArray, mask: Uint8Array | undefined, place: Place) {
    this.#data = data
    this.#mask = mask
    this.#place = place
  }

  copy(from: number, end: number, to: ColumnArray, at: number, miss: (row: number) => void): void {
    const { width, offset } = this.#place
    // Both sides are of one kind, which the compiler cannot see.
    const [source, target] = [this.#data, to] as [Float64Array, Float64Array]
    if (width === 1) target.set(source.subarray(from, end), at)
    else {
      for (let row = from, i = at * width + offset; row < end; row++, i += width) {
        target[i] = source[row] as number
      }
    }
    missing(this.#mask, from, end, row => miss(at + row - from))
  }
}

/** `size` numbers for each row, which begin where `start` says. */
export class Rows implements ColumnPart {
  readonly #data: ColumnArray
  readonly #mask: Uint8Array | undefined
  readonly #inner: Uint8Array | undefined
  readonly #size: number
  readonly #start: (row: number) => number

  constructor(
    data: ColumnArray,
    mask: Uint8Array | undefined,
    inner: Uint8Array | undefined,
    size: number,
    start: (row: number) => number,
  ) {
    this.#data = data
    this.#mask = mask
    this.#inner = inner
    this.#size = size
    this.#start = start
  }

  copy(from: number, end: number, to: ColumnArray, at: number, miss: (row: number) => void): void {
    const size = this.#size
    const [source, target] = [this.#data, to] as [Float64Array, Float64Array]
    for (let row = from; row < end; ) {
      if (this.#mask !== undefined && !isSet(this.#mask, row)) {
        miss(at + row++ - from)
        continue
      }
      // As a rule all rows lie one behind the other.
      const [first, begin] = [row, this.#start(row)]
      for (row++; row < end && (this.#mask === undefined || isSet(this.#mask, row)); row++) {
        if (this.#start(row) !== begin + (row - first) * size) break
      }
      const numbers = (row - first) * size
      target.set(source.subarray(begin, begin + numbers), (at + first - from) * size)
      missing(this.#inner, begin, begin + numbers, i => {
        miss(at + first - from + Math.floor((i - begin) / size))
      })
    }
  }
}

/** Calls `miss` for every bit from `from` to `end` that is not set. */
function missing(
  mask: Uint8Array | undefined,
  from: number,
  end: number,
  miss: (index: number) => void,
): void {
  if (mask === undefined) return
  for (let i = from; i < end; ) {
    if ((i & 7) === 0 && i + 8 <= end && mask[i >> 3] === 255) i += 8
    else {
      if (!isSet(mask, i)) miss(i)
      i++
    }
  }
}
