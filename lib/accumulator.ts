import { runAside } from './aside.ts'
import { binding, slots } from './backend/binding.ts'
import { decode, encode } from './bytes.ts'
import { type Call, prepare } from './call.ts'
import { type Configuration, configure, type Options, readOptions, readSignal } from './configuration.ts'
import { sumOnDevice } from './cuda/batch.ts'
import { placeOf, refuseDevice } from './cuda/place.ts'
import { type Definition, REDUCTIONS } from './definition.ts'
import { LosskitDtypeError, LosskitStateError } from './errors.ts'
import { difference, type Identified, identify, restore } from './identity.ts'
import type { Wanted } from './outputs.ts'
import { runNow } from './run.ts'
import { show } from './show.ts'
import { clear, newSum, type Sum, type SumType } from './sum.ts'
import type { Data } from './tensor/read.ts'

/** Neither value nor gradient: the sum is enough. */
const NOTHING: Wanted = { value: false, grad: false, namesOut: true }

/**
 * A loss over any number of batches. The sum is kept exactly, so neither the order of the rows nor how they were cut into
 * batches, processes or machines can be seen: the value is the same, and so are the bytes.
 */
class Accumulator {
  readonly #loss: Definition
  readonly #options: Identified
  /** Nothing until there is a row, which also decides the type of the sum. */
  #sum: Sum | undefined
  /** Where synchronous updates are computed, so that a batch that is refused leaves the sum alone. */
  #batch: Sum | undefined

  constructor(loss: Definition, options: Identified, sum?: Sum) {
    this.#loss = loss
    this.#options = options
    this.#sum = sum
  }

  /** The inputs of the loss in order, then options. */
  update(...given: unknown[]): this {
    const options = readOptions(this.#loss, 'update', given[this.#loss.inputs.length])
    const batch = this.#configure(options)
    const { name } = this.#loss
    refuseDevice(this.#loss, `${name}.accumulator().update()`, 'updateAsync()', batch, given)
    placeOf(this.#loss, batch, given)
    const call = this.#prepare(batch, given)
    const type = call.compute.name as SumType
    const sum = this.#batch?.type === type ? this.#batch : newSum(type)
    this.#batch = sum
    clear(sum)
    runNow(this.#loss, call, sum.state)
    this.#add(call, sum)
    return this
  }

  async updateAsync(...given: unknown[]): Promise<this> {
    const options = readOptions(this.#loss, 'updateAsync', given[this.#loss.inputs.length])
    const batch = this.#configure(options)
    const place = placeOf(this.#loss, batch, given)
    if (place !== undefined) {
      const { configuration } = this.#options
      const inputs = given.slice(0, this.#loss.inputs.length)
      const check = (call: Call<Data>) => this.#requireType(call)
      const { call, sum } = await sumOnDevice(this.#loss, batch, configuration, inputs, place, check)
      this.#add(call, sum)
      return this
    }
    const call = this.#prepare(batch, given)
    const sum = newSum(call.compute.name as SumType)
    await runAside(this.#loss, call, batch.signal, sum.state)
    this.#add(call, sum)
    return this
  }

  merge(other: unknown): this {
    const { name } = this.#loss
    if (typeof other !== 'object' || other === null || !(#sum in other)) {
      throw new LosskitStateError(`${name}: cannot merge ${show(other)}. It must be an accumulator.`)
    }
    if (other.#loss !== this.#loss) {
      throw new LosskitStateError(`${name}: cannot merge an accumulator of ${other.#loss.name}.`)
    }
    const differs = difference(
      this.#options.identity,
      other.#options.identity,
      'here',
      'in the other accumulator',
    )
    if (differs !== undefined) {
      throw new LosskitStateError(`${name}: cannot merge: ${differs}. Their options must be the same.`)
    }
    const theirs = other.#sum
    if (theirs === undefined) return this
    if (this.#sum !== undefined && this.#sum.type !== theirs.type) {
      throw new LosskitStateError(
        `${name}: cannot merge: the sum is of ${this.#sum.type} here and of ${theirs.type} in the other accumulator.`,
      )
    }
    // A copy, for the other one may be this one.
    this.#absorb({ type: theirs.type, state: theirs.state.slice() })
    return this
  }

  get value(): number {
    const { numbers, reduction, zeroWhenEmpty } = this.#options.configuration
    const { state } = this.#sum ?? newSum('float64')
    const inner = binding.valueState(state, REDUCTIONS[reduction], numbers[slots.divisor] as number)
    const value = this.#loss.outer?.of(inner) ?? inner
    return zeroWhenEmpty && Number.isNaN(value) && this.count === 0 ? 0 : value
  }

  get count(): number {
    return this.#sum === undefined ? 0 : binding.countState(this.#sum.state)
  }

  toBytes(): Uint8Array {
    return encode({ loss: this.#loss.name, options: this.#options.identity, sum: this.#sum })
  }

  /** A batch with options of its own; the tensors of the accumulator's come later, to where the batch lies. */
  #configure({ weight, stream, signal }: Options): Configuration {
    const { configuration, unknown } = this.#options
    if (unknown !== undefined) {
      throw new LosskitStateError(
        `${this.#loss.name}: this accumulator was read from bytes, which do not hold ${unknown}. To add to it, give ` +
          `${unknown} to fromBytes.`,
      )
    }
    const numbers = configuration.numbers.slice()
    return {
      ...configuration,
      numbers,
      weight,
      extra: undefined,
      stream,
      signal: readSignal(this.#loss, signal),
    }
  }

  #prepare(batch: Configuration, given: readonly unknown[]): Call {
    const { weight, extra } = this.#options.configuration
    const configuration = { ...batch, weight: batch.weight ?? weight, extra }
    const call = prepare(this.#loss, configuration, NOTHING, given.slice(0, this.#loss.inputs.length))
    this.#requireType(call)
    return call
  }

  #add(call: Call<Data>, batch: Sum): void {
    // Again: batches may have been under way together, each as the first.
    this.#requireType(call)
    // No rows leave no trace, so that equal rows give equal bytes.
    if (call.numbers[slots.rows] !== 0) this.#absorb(batch)
  }

  #absorb(sum: Sum): void {
    this.#sum ??= newSum(sum.type)
    binding.mergeState(this.#sum.state, sum.state)
  }

  #requireType({ compute }: Call<Data>): void {
    if (this.#sum === undefined || this.#sum.type === compute.name) return
    throw new LosskitDtypeError(
      `${this.#loss.name}: this batch is computed in ${compute.name}, those before it in ${this.#sum.type}. An accumulator ` +
        'keeps one type: convert the batch, or start another accumulator.',
    )
  }
}

/** Makes accumulators of a loss, from nothing or from bytes. */
export function accumulatorOf(loss: Definition) {
  const create = (options?: unknown) =>
    new Accumulator(loss, identify(loss, configure(loss, 'accumulator', options)))
  const fromBytes = (bytes: unknown, options?: unknown) => {
    const decoded = decode(loss.name, bytes)
    return new Accumulator(loss, restore(loss, decoded.options, options), decoded.sum)
  }
  return Object.assign(create, { fromBytes })
}
