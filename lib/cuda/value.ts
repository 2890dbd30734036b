/** A number on a device: the reduced value of a loss. */
export class DeviceValue {
  readonly #read: () => Promise<number>

  /** @internal */
  constructor(read: () => Promise<number>) {
    this.#read = read
  }

  /** Resolves to the number when the device has computed it; rejects where something was wrong with the data. */
  read(): Promise<number> {
    return this.#read()
  }
}
