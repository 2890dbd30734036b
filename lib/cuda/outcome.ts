import type { OutcomeHandle } from '../../binding.js'
import { binding } from '../backend/binding.ts'
import type { Definition } from '../definition.ts'
import { LosskitStateError } from '../errors.ts'
import { faultOf, type Refused } from '../fault.ts'
import type { Health } from './health.ts'

/** What a loss on a device gave, beside the tensors that it filled. */
export interface DeviceResult {
  readonly value: number
  readonly count: number
}

/** The result of a loss on a device, which is read when it is asked for, and once. */
export class DeviceOutcome {
  readonly #health: Health
  readonly #handle: OutcomeHandle
  readonly #loss: Definition
  readonly #call: Refused
  readonly #isThere: () => boolean
  #result: Promise<DeviceResult> | undefined

  /** `isThere` says whether the handle still holds this result. */
  constructor(
    health: Health,
    handle: OutcomeHandle,
    loss: Definition,
    call: Refused,
    isThere: () => boolean = () => true,
  ) {
    this.#health = health
    this.#handle = handle
    this.#loss = loss
    this.#call = call
    this.#isThere = isThere
  }

  /** Rejects with what was wrong with the data, which only the device has seen. */
  read(): Promise<DeviceResult> {
    this.#result ??= this.#read()
    return this.#result
  }

  /** The same, and adds the sum to the state of an accumulator. To be called instead, and once. */
  addTo(state: Uint8Array): Promise<DeviceResult> {
    return this.#read(state)
  }

  async #read(state?: Uint8Array): Promise<DeviceResult> {
    if (!this.#isThere()) {
      throw new LosskitStateError(
        `${this.#loss.name}: a later run of this bound call has overwritten the value. Ask for it, by read(), before the next run.`,
      )
    }
    const reading = this.#health.attempt(() => binding.cuda.readOutcome(this.#handle, state))
    const [code, status, value, count, input, index, found] = await reading
    this.#health.require(code, `${this.#loss.name} on the device`)
    if (status !== 0) throw faultOf(this.#loss, this.#call, { status, input, index, value: found })
    return { value, count }
  }
}
