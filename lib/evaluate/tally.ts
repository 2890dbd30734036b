import type { Accumulator } from '../index.ts'
import { entryOf } from './catalogue.ts'
import { type Arguments, type Data, type Fit, fitElements, fitRows } from './fit.ts'
import { located } from './located.ts'
import type { Plan } from './plan.ts'
import { fingerprint, type LossReport, type Report } from './report.ts'
import type { Batch } from './source.ts'
import { pack, packNumbers, unpack, unpackNumbers } from './tally/bytes.ts'

/** Into how many rows a source splits each row of its file: 1 unless rows are huge. */
export interface TallyData extends Data {
  readonly split?: number
}

/**
 * What has been computed of some rows. Everything in it is exact and knows no order: tallies of parts, however the data was
 * cut and in whatever order they are merged, add up to the bytes of the whole.
 */
export class Tally {
  readonly plan: Plan
  readonly #sums: readonly Accumulator[]
  #rows = 0
  /** Unknown to a tally of bytes, which has not seen any data. */
  #reader: Reader | undefined
  #split = 1

  private constructor(plan: Plan, sums: readonly Accumulator[], reader?: Reader) {
    this.plan = plan
    this.#sums = sums
    this.#reader = reader
  }

  /** A tally of no rows yet. What does not fit together in `data`, such as a source, is refused here. */
  static of(plan: Plan, data: TallyData): Tally {
    const sums = plan.losses.map(({ loss, options }) =>
      entryOf(loss).accumulator({ ...options, reduction: plan.reduction }),
    )
    const tally = new Tally(plan, sums, new Reader(plan, data))
    tally.#split = data.split ?? 1
    return tally
  }

  /** Adds the rows of a batch. After an error the tally holds part of them, and is of no use any more. */
  async update(batch: Batch, signal?: AbortSignal): Promise<void> {
    const reader = this.#reader
    if (reader === undefined) throw new TypeError('A tally that was read from bytes takes no rows; merge it.')
    const inputs = reader.read(batch)
    // The losses take turns: each uses all threads, and the first of two errors is always the same one.
    for (const [i, sum] of this.#sums.entries()) {
      const given = inputs[i] as Arguments
      const { pred, target, weight } = given
      try {
        await sum.updateAsync(pred, target, { ...(weight && { weight }), ...(signal && { signal }) })
      } catch (error) {
        throw located(error, given, batch, reader.data)
      }
    }
    this.#rows += batch.rows
  }

  /** Adds the rows of another tally of the same plan. */
  merge(other: Tally): void {
    for (const [i, sum] of this.#sums.entries()) sum.merge(other.#sums[i] as Accumulator)
    this.#rows += other.#rows
    this.#split = Math.max(this.#split, other.#split)
  }

  get rows(): number {
    return this.#rows / this.#split
  }

  toBytes(): Uint8Array {
    return pack([packNumbers([this.#rows, this.#split]), pack(this.#sums.map(sum => sum.toBytes()))])
  }

  static fromBytes(plan: Plan, bytes: Uint8Array): Tally {
    const [numbers, sums] = unpack(bytes, 2) as [Uint8Array, Uint8Array]
    const parts = unpack(sums, plan.losses.length)
    const tally = new Tally(
      plan,
      plan.losses.map(({ loss, options }, i) =>
        entryOf(loss).accumulator.fromBytes(parts[i] as Uint8Array, {
          ...options,
          reduction: plan.reduction,
        }),
      ),
    )
    const [rows, split] = unpackNumbers(numbers, 2) as unknown as [number, number]
    tally.#rows = rows
    tally.#split = split
    return tally
  }

  report(): Report {
    const { losses, reduction } = this.plan
    const parts = losses.map(({ loss, options = {} }, i) => {
      const sum = this.#sums[i] as Accumulator
      const given = reduction === 'sum' ? { ...options, reduction } : options
      const report: LossReport = { loss, options: given, value: sum.value, count: sum.count }
      return { report, state: sum.toBytes() }
    })
    return {
      losses: parts.map(({ report }) => report),
      rows: this.rows,
      fingerprint: fingerprint(parts),
    }
  }
}

/** Turns batches into the arguments of each loss of a plan. */
class Reader {
  readonly data: Data
  readonly #fits: readonly Fit[]

  constructor(plan: Plan, data: Data) {
    this.data = data
    const walks = plan.losses.map(({ loss }) => entryOf(loss).walks)
    const fits = {
      elements: walks.includes('elements') ? fitElements(data) : undefined,
      rows: walks.includes('rows') ? fitRows(data) : undefined,
    }
    this.#fits = walks.map(walk => fits[walk] as Fit)
  }

  /** Losses that walk alike share their arguments. */
  read(batch: Batch): readonly Arguments[] {
    const read = new Map<Fit, Arguments>()
    for (const prepare of new Set(this.#fits)) read.set(prepare, prepare(batch))
    return this.#fits.map(prepare => read.get(prepare) as Arguments)
  }
}
