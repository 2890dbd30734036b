import { decode, encode } from '../bytes.ts'
import { requireTogether } from '../cuda/place.ts'
import { LosskitStateError } from '../errors.ts'
import { show } from '../show.ts'
import { kindOf } from '../tensor/dtype.ts'
import type { Sides } from '../types/discriminator.ts'
import type { Options } from './options.ts'
import { each, settled } from './sides.ts'

/** Before the bytes of both sides: a mark, and how long those of the first are. */
const MARK = Buffer.from('LOSSKIT2')
const HEADER = MARK.length + 4

/** What the accumulator of either side can do. */
export interface PartAccumulator {
  update(scores: unknown): unknown
  updateAsync(scores: unknown, options: Options): Promise<unknown>
  merge(other: PartAccumulator): unknown
  readonly value: number
  readonly count: number
  toBytes(): Uint8Array
}

/** Reads the accumulators of both sides, under the options of this pair. */
type Read = (bytes: Sides<Uint8Array>) => Sides<PartAccumulator>

class Pair {
  readonly #name: string
  readonly #read: Read
  /** The bytes of accumulators that hold nothing yet. */
  readonly #empty: Sides<Uint8Array>
  #sides: Sides<PartAccumulator>

  constructor(name: string, read: Read, empty: Sides<Uint8Array>, sides: Sides<PartAccumulator>) {
    this.#name = name
    this.#read = read
    this.#empty = empty
    this.#sides = sides
  }

  /** Adds to copies, so that a batch of which one side is refused leaves both alone. */
  update(real: unknown, fake: unknown): this {
    const next = this.#copy()
    next.real.update(real)
    next.fake.update(fake)
    this.#sides = next
    return this
  }

  async updateAsync(real: unknown, fake: unknown, options: Options = {}): Promise<this> {
    requireTogether(this.#name, [
      ['real', real],
      ['fake', fake],
    ])
    const batch = this.#read(this.#empty)
    await settled({
      real: batch.real.updateAsync(real, options),
      fake: batch.fake.updateAsync(fake, options),
    })
    this.#absorb(batch)
    return this
  }

  merge(other: unknown): this {
    if (typeof other !== 'object' || other === null || !(#sides in other)) {
      throw new LosskitStateError(
        `${this.#name}: cannot merge ${show(other)}. It must be an accumulator of it.`,
      )
    }
    if (other.#name !== this.#name) {
      throw new LosskitStateError(`${this.#name}: cannot merge an accumulator of ${other.#name}.`)
    }
    this.#absorb(other.#sides)
    return this
  }

  get value(): number {
    return this.#sides.real.value + this.#sides.fake.value
  }

  get count(): number {
    return this.#sides.real.count + this.#sides.fake.count
  }

  toBytes(): Uint8Array {
    const [real, fake] = [this.#sides.real.toBytes(), this.#sides.fake.toBytes()]
    const bytes = new Uint8Array(HEADER + real.length + fake.length)
    bytes.set(MARK)
    new DataView(bytes.buffer).setUint32(MARK.length, real.length, true)
    bytes.set(real, HEADER)
    bytes.set(fake, HEADER + real.length)
    return bytes
  }

  #copy(): Sides<PartAccumulator> {
    return this.#read(each(side => this.#sides[side].toBytes()))
  }

  #absorb(batch: Sides<PartAccumulator>): void {
    const next = this.#copy()
    next.real.merge(batch.real)
    next.fake.merge(batch.fake)
    this.#sides = next
  }
}

/** How either side makes accumulators. */
interface Factory {
  readonly accumulator: {
    (options: Options): PartAccumulator
    fromBytes(bytes: Uint8Array, options: Options): PartAccumulator
  }
}

/** Makes accumulators of both sides, from nothing or from bytes. */
export function accumulatorOf(
  name: string,
  losses: Sides<Factory>,
  deal: (options: unknown) => Sides<Options>,
) {
  const reader =
    (options: Sides<Options>): Read =>
    bytes =>
      each(side => losses[side].accumulator.fromBytes(bytes[side], options[side]))
  const create = (given?: unknown) => {
    const options = deal(given)
    const sides = each(side => losses[side].accumulator(options[side]))
    return new Pair(
      name,
      reader(options),
      each(side => sides[side].toBytes()),
      sides,
    )
  }
  const fromBytes = (bytes: unknown, given?: unknown) => {
    const read = reader(deal(given))
    const parts = partsOf(name, bytes)
    const empty = each(side => encode({ ...decode(name, parts[side]), sum: undefined }))
    return new Pair(name, read, empty, read(parts))
  }
  return Object.assign(create, { fromBytes })
}

function partsOf(name: string, given: unknown): Sides<Uint8Array> {
  if (kindOf(given) !== 'Uint8Array') {
    throw new LosskitStateError(
      `${name}: bytes are ${show(given)}. They must be the Uint8Array that toBytes gave.`,
    )
  }
  const bytes = Buffer.from(given as Uint8Array)
  const isPair = bytes.length >= HEADER && bytes.subarray(0, MARK.length).equals(MARK)
  if (!isPair) throw new LosskitStateError(`${name}: these bytes are not an accumulator of it.`)
  const end = HEADER + bytes.readUInt32LE(MARK.length)
  if (end > bytes.length) throw new LosskitStateError(`${name}: these bytes are damaged or cut off.`)
  return {
    real: new Uint8Array(bytes.subarray(HEADER, end)),
    fake: new Uint8Array(bytes.subarray(end)),
  }
}
