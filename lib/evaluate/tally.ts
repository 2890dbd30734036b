import { entryOf } from './catalogue.ts'
import { UsageError } from './errors.ts'
import { type Arguments, type Data, type Fit, fitElements, fitRows } from './fit.ts'
import { located } from './located.ts'
import { checkPlan, type Plan, planBytes } from './plan.ts'
import { fingerprint, type Report } from './report.ts'
import type { Batch } from './source.ts'
import { ByGroup } from './tally/by-group.ts'
import { pack, packNumbers, unpack, unpackNumbers } from './tally/bytes.ts'
import { LossTally } from './tally/loss-tally.ts'
import type { RowLosses } from './tally/row-losses.ts'

/** What a tally must know of the data: a source, for example. */
export interface TallyData extends Data {
  /** Into how many rows the source splits each row of its file: 1 unless rows are huge. */
  readonly split?: number
}

/** Takes the losses of the rows of a batch, in the order of the plan's losses. They hold until the promise is kept. */
export type RowSink = (losses: readonly RowLosses[], batch: Batch) => Promise<void>

/**
 * What has been computed of some rows. Everything in it is exact and knows no order: tallies of parts, however the data was
 * cut and in whatever order they are merged, add up to the bytes of the whole.
 */
export class Tally {
  readonly plan: Plan
  readonly #losses: readonly LossTally[]
  readonly #reader: Reader | undefined
  readonly #sink: RowSink | undefined
  #rows = 0
  #split = 1

  private constructor(plan: Plan, losses: readonly LossTally[], reader?: Reader, sink?: RowSink) {
    this.plan = plan
    this.#losses = losses
    this.#reader = reader
    this.#sink = sink
  }

  /** A tally of no rows yet. What does not fit together in the data is refused here. */
  static of(plan: Plan, data: TallyData, sink?: RowSink): Tally {
    checkPlan(plan)
    const losses = plan.losses.map(question => new LossTally(question, plan))
    const tally = new Tally(plan, losses, new Reader(plan, data), sink)
    tally.#split = data.split ?? 1
    return tally
  }

  /** Adds the rows of a batch. After an error the tally holds part of them, and is of no use any more. */
  async update(batch: Batch, signal?: AbortSignal): Promise<void> {
    const reader = this.#reader
    if (reader === undefined) throw new TypeError('A tally that was read from bytes takes no rows; merge it.')
    const inputs = reader.read(batch)
    await this.#addSums(inputs, batch, reader, signal)
    await this.#addGroups(inputs, batch, reader, signal)
    await this.#addRows(inputs, batch, signal)
    this.#rows += batch.rows
  }

  /** The losses take turns: each uses all threads, and the first of two errors is always the same one. */
  async #addSums(
    inputs: readonly Arguments[],
    batch: Batch,
    { data }: Reader,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    for (const [i, loss] of this.#losses.entries()) {
      const given = inputs[i] as Arguments
      try {
        await loss.add(given, signal)
      } catch (error) {
        throw located(error, given, batch, data)
      }
    }
  }

  async #addGroups(
    inputs: readonly Arguments[],
    batch: Batch,
    { byGroup }: Reader,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (this.plan.by === undefined) return
    const segments = byGroup.segments(batch, inputs, this.plan.by)
    for (const [i, loss] of this.#losses.entries()) {
      await loss.addGroups(segments.get(inputs[i] as Arguments) ?? [], signal)
    }
  }

  async #addRows(inputs: readonly Arguments[], batch: Batch, signal: AbortSignal | undefined): Promise<void> {
    const wanted: RowLosses[] = []
    for (const [i, loss] of this.#losses.entries()) {
      const losses = await loss.addRows(inputs[i] as Arguments, batch, this.#sink !== undefined, signal)
      if (losses !== undefined) wanted.push(losses)
    }
    await this.#sink?.(wanted, batch)
  }

  /** Adds the rows of another tally of the same plan. */
  merge(other: Tally): void {
    if (Buffer.compare(planBytes(this.plan), planBytes(other.plan)) !== 0) {
      throw new UsageError('tallies of different plans cannot be merged.')
    }
    for (const [i, loss] of this.#losses.entries()) loss.merge(other.#losses[i] as LossTally)
    this.#rows += other.#rows
    this.#split = Math.max(this.#split, other.#split)
  }

  get rows(): number {
    return this.#rows / this.#split
  }

  toBytes(): Uint8Array {
    return pack([packNumbers([this.#rows, this.#split]), ...this.#losses.map(loss => loss.toBytes())])
  }

  static fromBytes(plan: Plan, bytes: Uint8Array): Tally {
    const [numbers, ...parts] = unpack(bytes, 1 + plan.losses.length) as [Uint8Array, ...Uint8Array[]]
    const tally = new Tally(
      plan,
      plan.losses.map((question, i) => new LossTally(question, plan, parts[i])),
    )
    const [rows, split] = unpackNumbers(numbers, 2) as unknown as [number, number]
    tally.#rows = rows
    tally.#split = split
    return tally
  }

  report(): Report {
    const parts = this.#losses.map(loss => ({ report: loss.report(), state: loss.state }))
    return { losses: parts.map(({ report }) => report), rows: this.rows, fingerprint: fingerprint(parts) }
  }
}

/** Turns batches into the arguments of each loss of a plan. */
class Reader {
  readonly data: Data
  readonly byGroup = new ByGroup()
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
