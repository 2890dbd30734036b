import { DataError } from '../errors.ts'
import type { Arguments } from '../fit.ts'
import { Scratch } from '../scratch.ts'
import type { Batch, Column } from '../source.ts'

/** More groups than anyone reads; a column of unlike values taken by mistake stops here instead of filling the memory. */
export const mostGroups = 100_000

/** The rows of one group in a batch, beside each other. */
export interface Segment {
  readonly name: string
  readonly rows: number
  readonly given: Arguments
}

/** Sorts the rows of batches by their group, each group's in the order in which they came. */
export class ByGroup {
  #starts = new Int32Array()
  readonly #order = new Scratch<Int32Array>(Int32Array)
  /** By the place of a column among the arguments, and its type. */
  readonly #gathered = new Map<string, Scratch<Column['data']>>()

  /** The segments of each of `inputs`, which may be the same. They hold until the next batch. */
  segments(
    batch: Batch,
    inputs: readonly Arguments[],
    name: string,
  ): ReadonlyMap<Arguments, readonly Segment[]> {
    const { groups, rows } = batch
    if (groups === undefined) throw new DataError(`${name}: the input gives no groups by this column.`)
    const { ids, names } = groups
    if (names.length > mostGroups) {
      throw new DataError(
        `${name}: there are more than ${mostGroups} groups. Group by a column with fewer different values.`,
      )
    }
    const ends = this.#count(ids, names.length, rows)
    const present = names.flatMap((group, id) => {
      const start = id === 0 ? 0 : (ends[id - 1] as number)
      const end = ends[id] as number
      return end > start ? [{ group, start, end }] : []
    })
    const order = present.length === 1 ? undefined : this.#sort(ids, ends, rows)
    return new Map(
      [...new Set(inputs)].map((given, i) => {
        const sorted = order === undefined ? given : this.#gather(given, order, String(i))
        return [given, present.map(({ group, start, end }) => cut(sorted, rows, group, start, end))]
      }),
    )
  }

  /** Where the rows of each group end, once they are sorted. */
  #count(ids: Int32Array, groups: number, rows: number): Int32Array {
    if (this.#starts.length < groups) this.#starts = new Int32Array(Math.max(groups, 2 * this.#starts.length))
    const ends = this.#starts.fill(0)
    for (let row = 0; row < rows; row++) {
      const id = ids[row] as number
      ends[id] = (ends[id] as number) + 1
    }
    for (let id = 1; id < groups; id++) ends[id] = (ends[id] as number) + (ends[id - 1] as number)
    return ends
  }

  #sort(ids: Int32Array, ends: Int32Array, rows: number): Int32Array {
    const order = this.#order.take(rows)
    const next = ends.slice()
    for (let row = rows - 1; row >= 0; row--) {
      const id = ids[row] as number
      const place = (next[id] as number) - 1
      next[id] = place
      order[place] = row
    }
    return order
  }

  #gather({ pred, target, weight }: Arguments, order: Int32Array, key: string): Arguments {
    return {
      pred: this.#take(pred, order, `${key} pred`),
      target: this.#take(target, order, `${key} target`),
      weight: weight && this.#take(weight, order, `${key} weight`),
    }
  }

  #take(column: Column, order: Int32Array, key: string): Column {
    const { data } = column
    const Kind = data.constructor as new (length: number) => Column['data']
    const kept = this.#gathered.get(`${key} ${Kind.name}`) ?? new Scratch<Column['data']>(Kind)
    this.#gathered.set(`${key} ${Kind.name}`, kept)
    // Both sides are of one kind, which the compiler cannot see.
    const [from, to] = [data, kept.take(data.length)] as [Float64Array, Float64Array]
    const width = data.length / order.length
    if (width === 1) {
      for (let i = 0; i < order.length; i++) to[i] = from[order[i] as number] as number
    } else {
      for (let i = 0; i < order.length; i++) {
        const row = (order[i] as number) * width
        for (let j = 0; j < width; j++) to[i * width + j] = from[row + j] as number
      }
    }
    return { ...column, data: to }
  }
}

function cut(
  { pred, target, weight }: Arguments,
  rows: number,
  name: string,
  start: number,
  end: number,
): Segment {
  const part = ({ data, dtype, shape: [, ...rowShape] }: Column): Column => {
    const width = data.length / rows
    return { data: data.subarray(start * width, end * width), dtype, shape: [end - start, ...rowShape] }
  }
  return {
    name,
    rows: end - start,
    given: { pred: part(pred), target: part(target), weight: weight && part(weight) },
  }
}
