import type { Accumulator } from '../../index.ts'
import { entryOf } from '../catalogue.ts'
import type { Arguments } from '../fit.ts'
import type { Plan, Question } from '../plan.ts'
import type { LossReport } from '../report.ts'
import { type Batch, rowNumber } from '../source.ts'
import type { Segment } from './by-group.ts'
import { pack, unpack } from './bytes.ts'
import { Classification } from './classification.ts'
import { GroupSums } from './group-sums.ts'
import { Histogram } from './histogram.ts'
import { type RowLosses, RowLossReader } from './row-losses.ts'
import { scalars } from './scalars.ts'
import { WorstRows } from './worst-rows.ts'

/** What has been computed of one loss: its sum, and what else the plan asks. */
export class LossTally {
  readonly question: Question
  readonly #plan: Plan
  readonly #sum: Accumulator
  readonly #groups: GroupSums | undefined
  readonly #histogram: Histogram | undefined
  readonly #worst: WorstRows | undefined
  readonly #classification: Classification | undefined
  readonly #rowLosses: RowLossReader

  constructor(question: Question, plan: Plan, bytes?: Uint8Array) {
    const { accumulator } = entryOf(question.loss)
    const options = { ...question.options, reduction: plan.reduction }
    const create = () => accumulator(options)
    const read = (part: Uint8Array) => accumulator.fromBytes(part, options)
    const [sum, groups, histogram, worst, classes] = bytes === undefined ? [] : unpack(bytes, 5)

    this.question = question
    this.#plan = plan
    this.#sum = sum ? read(sum) : create()
    this.#rowLosses = new RowLossReader(question)
    if (plan.by !== undefined) {
      this.#groups = groups ? GroupSums.fromBytes(create, read, groups) : new GroupSums(create)
    }
    if (plan.quantiles) this.#histogram = histogram ? Histogram.fromBytes(histogram) : new Histogram()
    if (plan.worst) this.#worst = worst ? WorstRows.fromBytes(plan.worst, worst) : new WorstRows(plan.worst)
    if (plan.classification) {
      const empty = Classification.of(question)
      this.#classification = classes?.length ? empty?.read(classes) : empty
    }
  }

  /** Adds to the sum. A value that the loss refuses is found here, before anything else is computed. */
  async add({ pred, target, weight }: Arguments, signal: AbortSignal | undefined): Promise<void> {
    await this.#sum.updateAsync(pred, target, { ...(weight && { weight }), ...(signal && { signal }) })
  }

  async addGroups(segments: readonly Segment[], signal: AbortSignal | undefined): Promise<void> {
    await this.#groups?.update(segments, signal)
  }

  /** Adds to what is about rows, and gives their losses, if anyone wants them. */
  async addRows(
    given: Arguments,
    batch: Batch,
    isWanted: boolean,
    signal: AbortSignal | undefined,
  ): Promise<RowLosses | undefined> {
    await this.#classification?.add(given, signal)
    if (!isWanted && this.#histogram === undefined && this.#worst === undefined) return undefined
    const losses = await this.#rowLosses.read(given, signal)
    const { values, ignored } = losses
    this.#histogram?.add(values, ignored)
    this.#worst?.add(
      values,
      ignored,
      row => rowNumber(batch, row),
      row => scalars(given, batch, row),
    )
    return losses
  }

  merge(other: LossTally): void {
    this.#sum.merge(other.#sum)
    if (other.#groups) this.#groups?.merge(other.#groups)
    if (other.#histogram) this.#histogram?.merge(other.#histogram)
    if (other.#worst) this.#worst?.merge(other.#worst)
    if (other.#classification) this.#classification?.merge(other.#classification)
  }

  /** The exact sum alone, which is what a run is known by. */
  get state(): Uint8Array {
    return this.#sum.toBytes()
  }

  toBytes(): Uint8Array {
    const parts = [this.#groups, this.#histogram, this.#worst, this.#classification]
    return pack([this.state, ...parts.map(part => part?.toBytes() ?? new Uint8Array())])
  }

  report(): LossReport {
    const { loss, options = {} } = this.question
    const classification = this.#classification?.report()
    return {
      loss,
      options: this.#plan.reduction === 'sum' ? { ...options, reduction: 'sum' } : options,
      value: this.#sum.value,
      count: this.#sum.count,
      ...(this.#groups && { groups: this.#groups.report() }),
      ...(this.#histogram && {
        quantiles: this.#histogram.report(),
        histogram: this.#histogram.bars(),
      }),
      ...(this.#worst && { worst: this.#worst.report() }),
      ...(classification && { classification }),
    }
  }
}
