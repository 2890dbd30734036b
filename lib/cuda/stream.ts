/// <reference lib="esnext.disposable" preserve="true" />

import type { EventHandle, StreamHandle } from '../../binding.js'
import { binding } from '../backend/binding.ts'
import { LosskitBackendError } from '../errors.ts'
import { show } from '../show.ts'
import { disposed, type Health } from './health.ts'

/** A moment in a stream: when all that was in it then is done. */
export class DeviceEvent {
  readonly #health: Health
  readonly #handle: EventHandle

  /** @internal */
  constructor(health: Health, handle: EventHandle) {
    this.#health = health
    this.#handle = handle
  }

  /** Whether it has happened. */
  get done(): boolean {
    return this.#health.attempt(() => binding.cuda.isDone(this.#handle))
  }

  /** @internal */
  static handleOf(event: unknown): EventHandle {
    if (event instanceof DeviceEvent) return event.#handle
    throw new LosskitBackendError(
      `stream.wait: ${show(event)} is no event. It must be what stream.record() gave.`,
    )
  }
}

/**
 * A queue of work on a device. What is in one stream is done in order; streams run side by side, but wait for each other where
 * they use the same tensors.
 */
export class DeviceStream {
  readonly #health: Health
  #handle: StreamHandle | undefined

  /** @internal */
  constructor(health: Health, handle: StreamHandle) {
    this.#health = health
    this.#handle = handle
  }

  /** The number of its device. */
  get device(): number {
    return this.#health.device
  }

  /** @internal */
  get isDisposed(): boolean {
    return this.#handle === undefined
  }

  /** @internal */
  get handle(): StreamHandle {
    if (this.#handle === undefined) throw disposed('This stream')
    return this.#handle
  }

  /** An event that happens when all that is in the stream now is done. */
  record(): DeviceEvent {
    const { handle } = this
    return new DeviceEvent(
      this.#health,
      this.#health.attempt(() => binding.cuda.record(handle)),
    )
  }

  /** What is put into the stream from now on waits for the event. */
  wait(event: DeviceEvent): void {
    const { handle } = this
    const moment = DeviceEvent.handleOf(event)
    this.#health.attempt(() => binding.cuda.wait(handle, moment))
  }

  /** Resolves when all that is in the stream now is done; rejects where some of it failed. */
  async synchronize(): Promise<void> {
    const { handle } = this
    const [code] = await this.#health.attempt(() => binding.cuda.reached(handle))
    this.#health.require(code, 'the work in a stream')
  }

  /** Takes no more work. What is in it is still done. */
  dispose(): void {
    if (this.#handle !== undefined) binding.cuda.destroyStream(this.#handle)
    this.#handle = undefined
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}
