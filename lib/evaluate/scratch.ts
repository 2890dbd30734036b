import type { Column } from './source.ts'

/** An array that is used again for batch after batch. */
export class Scratch<T extends Column['data']> {
  private readonly Kind: new (
    length: number,
  ) => T
  private array: T | undefined

  constructor(Kind: new (length: number) => T) {
    this.Kind = Kind
  }

  take(length: number): T {
    if (this.array === undefined || this.array.length < length) this.array = new this.Kind(length)
    return this.array.subarray(0, length) as T
  }
}
