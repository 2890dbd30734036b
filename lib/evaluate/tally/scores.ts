import { toFloat } from '../convert.ts'
import type { Arguments } from '../fit.ts'
import type { Question } from '../plan.ts'
import { Scratch } from '../scratch.ts'
import type { Column } from '../source.ts'
import { ignoreIndexOf } from './row-losses.ts'

const losskit = await import('../../index.ts')

/** What the predictions of a classifier mean. */
export type Meaning = 'probability' | 'logit' | 'classes'

const meanings: Readonly<Record<string, Meaning>> = {
  bce: 'probability',
  bceWithLogits: 'logit',
  sigmoidFocal: 'logit',
  crossEntropy: 'classes',
  nll: 'classes',
  softmaxFocal: 'classes',
  poly1: 'classes',
}

/** Undefined for losses of something else than classes. */
export function meaningOf({ loss }: Question): Meaning | undefined {
  return meanings[loss]
}

type Floats = Float32Array | Float64Array

/** The probabilities in which a classifier expresses its predictions; they hold until the next batch. */
export class ScoreReader {
  readonly #ignoreIndex: number | undefined
  readonly #widen = toFloat('float32')
  readonly #scratch = new Map<string, Scratch<Floats>>()

  constructor(question: Question) {
    this.#ignoreIndex = ignoreIndexOf(question)
  }

  /** The probability of yes for each number. They are gradients of losses: σ(x) − t with t = 0, by the library's own exp. */
  async ofYes({ pred }: Arguments, meaning: Meaning, signal: AbortSignal | undefined): Promise<Floats> {
    const column = this.#floats(pred)
    const data = column.data as Floats
    if (meaning === 'probability') return data
    const out = this.#take('out', data)
    const zeros = this.#take('zeros', data).fill(0)
    await losskit.bceWithLogits.async.grad(data as Float32Array, zeros as Float32Array, {
      reduction: 'sum',
      out: { pred: out as Float32Array },
      signal,
    })
    return out
  }

  /** The scores of every class, and their probabilities, but with 1 taken off that of the label: softmax(x) − onehot. */
  async ofClasses(
    { pred, target }: Arguments,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly scores: Floats; readonly gradient: Floats }> {
    const column = this.#floats(pred)
    const out = this.#take('out', column.data as Floats)
    await losskit.crossEntropy.async.grad(column as Tensor, target as Tensor, {
      reduction: 'sum',
      ignoreIndex: this.#ignoreIndex,
      out: { logits: out as Float32Array },
      signal,
    })
    return { scores: column.data as Floats, gradient: out }
  }

  /** Half precision as float32, whose gradients have room for probabilities. */
  #floats(pred: Column): Column {
    return pred.dtype === 'float64' ? pred : this.#widen(pred, () => '')
  }

  #take(name: string, like: Floats): Floats {
    const Kind = like.constructor as new (length: number) => Floats
    const scratch = this.#scratch.get(name + Kind.name) ?? new Scratch<Floats>(Kind)
    this.#scratch.set(name + Kind.name, scratch)
    return scratch.take(like.length)
  }
}

type Tensor = { readonly data: Float32Array; readonly shape: readonly number[] }
