import { setImmediate } from 'node:timers/promises'
import type { Accumulator } from '../../index.ts'
import { DataError } from '../errors.ts'
import { mostGroups, type Segment } from './by-group.ts'
import { damaged, pack, unpack } from './bytes.ts'

export interface GroupReport {
  readonly name: string
  readonly value: number
  readonly count: number
}

/** So few numbers are summed sooner than handed to another thread. */
const few = 2 ** 14

/** After so many sums, others may have their turn on the event loop. */
const turn = 1000

/** An exact sum for each group: the same, to the bit, as if the rows of the group were evaluated alone. */
export class GroupSums {
  readonly #create: () => Accumulator
  readonly #sums = new Map<string, Accumulator>()

  constructor(create: () => Accumulator) {
    this.#create = create
  }

  async update(segments: readonly Segment[], signal: AbortSignal | undefined): Promise<void> {
    let sums = 0
    for (const { name, given } of segments) {
      const { pred, target, weight } = given
      const options = weight && { weight }
      if (pred.data.length > few) {
        await this.#of(name).updateAsync(pred, target, { ...options, ...(signal && { signal }) })
      } else this.#of(name).update(pred, target, options)
      sums++
      if (sums % turn !== 0) continue
      await setImmediate()
      signal?.throwIfAborted()
    }
  }

  merge(other: GroupSums): void {
    for (const [name, sum] of other.#sums) this.#of(name).merge(sum)
    if (this.#sums.size > mostGroups) {
      throw new DataError(`Together there are more than ${mostGroups} groups.`)
    }
  }

  report(): readonly GroupReport[] {
    return this.#sorted().map(([name, sum]) => ({ name, value: sum.value, count: sum.count }))
  }

  toBytes(): Uint8Array {
    return pack(this.#sorted().flatMap(([name, sum]) => [new TextEncoder().encode(name), sum.toBytes()]))
  }

  static fromBytes(
    create: () => Accumulator,
    read: (bytes: Uint8Array) => Accumulator,
    bytes: Uint8Array,
  ): GroupSums {
    const groups = new GroupSums(create)
    const parts = unpack(bytes)
    if (parts.length % 2 !== 0) throw damaged()
    for (let i = 0; i < parts.length; i += 2) {
      groups.#sums.set(new TextDecoder().decode(parts[i]), read(parts[i + 1] as Uint8Array))
    }
    return groups
  }

  #of(name: string): Accumulator {
    const found = this.#sums.get(name)
    if (found !== undefined) return found
    const sum = this.#create()
    this.#sums.set(name, sum)
    return sum
  }

  /** By name: whole numbers by their value, then words by their letters, the same on every machine. */
  #sorted(): readonly (readonly [string, Accumulator])[] {
    return [...this.#sums].sort(([a], [b]) => compareNames(a, b))
  }
}

function compareNames(a: string, b: string): number {
  const [x, y] = [a, b].map(name => (/^-?\d{1,15}$/.test(name) ? Number(name) : undefined))
  if (x !== undefined && y !== undefined && x !== y) return x - y
  if ((x === undefined) !== (y === undefined)) return x === undefined ? 1 : -1
  return a < b ? -1 : a > b ? 1 : 0
}
