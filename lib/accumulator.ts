import { binding, slots } from './backend/binding.ts'
import { type Call, prepare } from './call.ts'
import { configure, readOptions, readSignal } from './configuration.ts'
import { type Definition, REDUCTIONS } from './definition.ts'
import { LosskitDtypeError, LosskitStateError } from './errors.ts'
import { difference, type Identified, identify, restore } from './identity.ts'
import type { Wanted } from './outputs.ts'
import { runAside, runNow } from './run.ts'
import { show } from './show.ts'
import { decode, encode, newState, type StateType, typeOfState } from './state.ts'

/** The sum alone, which goes into the state. */
const NOTHING: Wanted = { value: false, grad: false, namesOut: true }

/**
 * A loss over any number of batches. The sum is kept exactly, so neither the order of the rows nor how they were cut into
 * batches, processes or machines can be seen: the value is the same, and so are the bytes.
 */
class Accumulator {
  readonly #loss: Definition
  readonly #options: Identified
  /** Nothing until there is a row, which also decides the type of the sum. */
  #state: Uint8Array | undefined

  constructor(loss: Definition, options: Identified, state?: Uint8Array) {
    this.#loss = loss
    this.#options = options
    this.#state = state
  }

  update(pred: unknown, target: unknown, options?: unknown): this {
    const { weight } = readOptions(this.#loss, 'update', options)
    const call = this.#prepare(pred, target, weight)
    const batch = newState(call.compute.name as StateType)
    runNow(this.#loss, call, batch)
    this.#add(call, batch)
    return this
  }

  async updateAsync(pred: unknown, target: unknown, options?: unknown): Promise<this> {
    const { weight, signal } = readOptions(this.#loss, 'updateAsync', options)
    const call = this.#prepare(pred, target, weight)
    const batch = newState(call.compute.name as StateType)
    await runAside(this.#loss, call, readSignal(this.#loss, signal), batch)
    this.#add(call, batch)
    return this
  }

  merge(other: unknown): this {
    const { name } = this.#loss
    if (typeof other !== 'object' || other === null || !(#state in other)) {
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
    const [here, there] = [this.#state && typeOfState(this.#state), other.#state && typeOfState(other.#state)]
    if (here !== undefined && there !== undefined && here !== there) {
      throw new LosskitStateError(
        `${name}: cannot merge: the sum is of ${here} here and of ${there} in the other accumulator.`,
      )
    }
    // A copy, for the other one may be this one.
    if (other.#state !== undefined) this.#absorb(other.#state.slice())
    return this
  }

  get value(): number {
    const { numbers, reduction, zeroWhenEmpty } = this.#options.configuration
    const state = this.#state ?? newState('float64')
    const value = binding.valueState(state, REDUCTIONS[reduction], numbers[slots.divisor] as number)
    return zeroWhenEmpty && Number.isNaN(value) && this.count === 0 ? 0 : value
  }

  get count(): number {
    return this.#state === undefined ? 0 : binding.countState(this.#state)
  }

  toBytes(): Uint8Array {
    return encode({ loss: this.#loss.name, options: this.#options.identity, state: this.#state })
  }

  #prepare(pred: unknown, target: unknown, weight: unknown): Call {
    const { configuration, unknown } = this.#options
    if (unknown !== undefined) {
      throw new LosskitStateError(
        `${this.#loss.name}: this accumulator was read from bytes, which do not hold ${unknown}. To add to it, give ` +
          `${unknown} to fromBytes.`,
      )
    }
    const batch = weight === undefined ? configuration : { ...configuration, weight }
    const call = prepare(this.#loss, batch, NOTHING, pred, target)
    this.#requireType(call)
    return call
  }

  #add(call: Call, batch: Uint8Array): void {
    // Again: batches may have been under way together, each as the first.
    this.#requireType(call)
    // Where there are no rows there is no trace of them, so that equal rows give equal bytes.
    if (call.numbers[slots.rows] !== 0) this.#absorb(batch)
  }

  #absorb(state: Uint8Array): void {
    if (this.#state === undefined) this.#state = state
    else binding.mergeState(this.#state, state)
  }

  #requireType({ compute }: Call): void {
    const type = this.#state && typeOfState(this.#state)
    if (type !== undefined && type !== compute.name) {
      throw new LosskitDtypeError(
        `${this.#loss.name}: this batch is computed in ${compute.name}, those before it in ${type}. An accumulator keeps ` +
          'one type: convert the batch, or start another accumulator.',
      )
    }
  }
}

/** Makes accumulators of a loss, from nothing or from bytes. */
export function accumulatorOf(loss: Definition) {
  const create = (options?: unknown) =>
    new Accumulator(loss, identify(loss, configure(loss, 'accumulator', options)))
  const fromBytes = (bytes: unknown, options?: unknown) => {
    const decoded = decode(loss.name, bytes)
    return new Accumulator(loss, restore(loss, decoded.options, options), decoded.state)
  }
  return Object.assign(create, { fromBytes })
}
