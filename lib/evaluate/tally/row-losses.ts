import { entryOf } from '../catalogue.ts'
import { isFloat } from '../convert.ts'
import type { Arguments } from '../fit.ts'
import type { Question } from '../plan.ts'
import { Scratch } from '../scratch.ts'
import type { Column } from '../source.ts'

/** The losses of the rows of a batch; they hold until the next batch. */
export interface RowLosses {
  readonly values: Float32Array | Float64Array
  /** 1 where a row does not count, for its label is the one that is ignored. */
  readonly ignored: Uint8Array | undefined
}

/**
 * Computes the loss of each row: what reduction 'none' gives, weights included. Where a row holds several values it is their
 * mean, and for rmse, which is no mean of values, the root of the mean of squares.
 */
export class RowLossReader {
  readonly #question: Question
  readonly #isRoot: boolean
  readonly #ignoreIndex: number | undefined
  readonly #float32 = [
    new Scratch<Float32Array>(Float32Array),
    new Scratch<Float32Array>(Float32Array),
  ] as const
  readonly #float64 = [
    new Scratch<Float64Array>(Float64Array),
    new Scratch<Float64Array>(Float64Array),
  ] as const

  constructor(question: Question) {
    this.#isRoot = question.loss === 'rmse'
    this.#question = this.#isRoot ? { ...question, loss: 'mse' } : question
    this.#ignoreIndex = ignoreIndexOf(question)
  }

  async read({ pred, target, weight }: Arguments, signal: AbortSignal | undefined): Promise<RowLosses> {
    const { loss, options } = this.#question
    const { walks, values } = entryOf(loss)
    const rows = pred.shape[0] as number
    const [all, means] = pred.dtype === 'float64' ? this.#float64 : this.#float32
    const out = all.take(walks === 'elements' ? pred.data.length : rows)
    await values(pred, target, { ...options, ...(weight && { weight }), ...(signal && { signal }), out })
    return {
      values: out.length === rows && !this.#isRoot ? out : this.#means(out, means.take(rows)),
      ignored: this.#ignored(target),
    }
  }

  #means<T extends Float32Array | Float64Array>(values: T, means: T): T {
    const width = values.length / means.length
    for (let row = 0; row < means.length; row++) {
      let sum = 0
      for (let i = row * width; i < (row + 1) * width; i++) sum += values[i] as number
      means[row] = this.#isRoot ? Math.sqrt(sum / width) : sum / width
    }
    return means
  }

  #ignored({ data, dtype }: Column): Uint8Array | undefined {
    const index = this.#ignoreIndex
    if (index === undefined || isFloat(dtype)) return undefined
    let ignored: Uint8Array | undefined
    for (let row = 0; row < data.length; row++) {
      if (Number(data[row]) !== index) continue
      ignored ??= new Uint8Array(data.length)
      ignored[row] = 1
    }
    return ignored
  }
}

/** The label of rows that do not count, of a loss that knows one. */
export function ignoreIndexOf({ loss, options }: Question): number | undefined {
  const domain = entryOf(loss).options.ignoreIndex
  if (domain?.kind !== 'scalar') return undefined
  return Number(options?.ignoreIndex ?? domain.fallback)
}
