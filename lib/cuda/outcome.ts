import type { OutcomeHandle } from '../../binding.js'
import { binding } from '../backend/binding.ts'
import type { Definition } from '../definition.ts'
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
  #result: Promise<DeviceResult> | undefined

  constructor(health: Health, handle: OutcomeHandle, loss: Definition, call: Refused) {
    this.#health = health
    this.#handle = handle
    this.#loss = loss
    this.#call = call
  }

  /** Rejects with what was wrong with the data, which only the device has seen. */
  read(): Promise<DeviceResult> {
    this.#result ??= this.#read()
    return this.#result
  }

  async #read(): Promise<DeviceResult> {
    const reading = this.#health.attempt(() => binding.cuda.readOutcome(this.#handle))
    const [code, status, value, count, input, index, found] = await reading
    this.#health.require(code, `${this.#loss.name} on the device`)
    if (status !== 0) throw faultOf(this.#loss, this.#call, { status, input, index, value: found })
    return { value, count }
  }
}
