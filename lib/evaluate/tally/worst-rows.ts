import { damaged, pack, packNumbers, unpack, unpackNumbers } from './bytes.ts'

export interface WorstRow {
  /** Counted from 0 in all of the data. */
  readonly row: number
  readonly loss: number
  /** Where a row has one: the prediction; of classes, the one with the highest score. */
  readonly pred?: number
  /** Where a row has one: the target or label. */
  readonly target?: number
  readonly group?: string
}

/** The rows with the largest losses. NaN is larger than any number, and of equal losses the first row is the worse. */
export class WorstRows {
  readonly #most: number
  /** Sorted, the worst first. */
  #rows: readonly WorstRow[] = []

  constructor(most: number) {
    this.#most = most
  }

  /** Adds rows, of which only those that count among the worst are asked for more than their loss. */
  add(
    values: Float32Array | Float64Array,
    ignored: Uint8Array | undefined,
    numberOf: (row: number) => number,
    more: (row: number) => Omit<WorstRow, 'row' | 'loss'>,
  ): void {
    let found: (Place & { readonly at: number })[] = []
    let limit = this.#limit(this.#rows)
    for (let i = 0; i < values.length; i++) {
      const loss = values[i] as number
      if (limit !== undefined && loss < limit.loss) continue
      if (ignored?.[i] === 1) continue
      const place = { row: numberOf(i), loss, at: i }
      if (limit !== undefined && order(place, limit) > 0) continue
      found.push(place)
      if (found.length < 2 * this.#most) continue
      found = this.#worst(found)
      const last = this.#limit(found)
      if (last !== undefined && (limit === undefined || order(last, limit) < 0)) limit = last
    }
    if (found.length === 0) return
    const rows = this.#worst(found).map(({ row, loss, at }) => ({ row, loss, ...more(at) }))
    this.#rows = this.#worst([...this.#rows, ...rows])
  }

  merge(other: WorstRows): void {
    this.#rows = this.#worst([...this.#rows, ...other.#rows])
  }

  report(): readonly WorstRow[] {
    return this.#rows
  }

  /** What comes after this row does not count; there is none while there is room. */
  #limit(rows: readonly Place[]): Place | undefined {
    return rows.length < this.#most ? undefined : rows.at(-1)
  }

  #worst<Row extends Place>(rows: Row[]): Row[] {
    return rows.sort(order).slice(0, this.#most)
  }

  toBytes(): Uint8Array {
    return pack(
      this.#rows.map(({ row, loss, pred, target, group }) =>
        pack([
          packNumbers([row, loss]),
          packNumbers(pred === undefined ? [] : [pred]),
          packNumbers(target === undefined ? [] : [target]),
          ...(group === undefined ? [] : [new TextEncoder().encode(group)]),
        ]),
      ),
    )
  }

  static fromBytes(most: number, bytes: Uint8Array): WorstRows {
    const worst = new WorstRows(most)
    worst.#rows = unpack(bytes).map(part => {
      const [numbers, preds, targets, group] = unpack(part)
      if (numbers === undefined || preds === undefined || targets === undefined) throw damaged()
      const [row, loss] = unpackNumbers(numbers, 2) as unknown as [number, number]
      const [pred] = unpackNumbers(preds)
      const [target] = unpackNumbers(targets)
      return {
        row,
        loss,
        ...(pred !== undefined && { pred }),
        ...(target !== undefined && { target }),
        ...(group !== undefined && { group: new TextDecoder().decode(group) }),
      }
    })
    return worst
  }
}

type Place = Pick<WorstRow, 'row' | 'loss'>

/** The worse one first. Not by a difference, which of infinities is NaN. */
function order(a: Place, b: Place): number {
  const [x, y] = [Number.isNaN(a.loss), Number.isNaN(b.loss)]
  if (x !== y) return x ? -1 : 1
  if (a.loss > b.loss) return -1
  if (a.loss < b.loss) return 1
  return a.row - b.row
}
