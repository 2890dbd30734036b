import { isFloat } from '../convert.ts'
import type { Arguments } from '../fit.ts'
import type { Question } from '../plan.ts'
import { damaged, packNumbers, unpackNumbers } from './bytes.ts'
import { ignoreIndexOf } from './row-losses.ts'
import { type Meaning, meaningOf, ScoreReader } from './scores.ts'

type ClassScores = Awaited<ReturnType<ScoreReader['ofClasses']>>

const bins = 15

/** Larger confusion matrices are left out: nobody reads them. */
const mostClasses = 100

/**
 * Probabilities are summed in this unit, so that sums are whole numbers and know no order: exact up to 2^31 rows in a bin,
 * and nearer than float32 can tell.
 */
const unit = 2 ** -22

export interface ReliabilityBin {
  readonly from: number
  readonly to: number
  readonly count: number
  /** Mean of what was predicted. */
  readonly confidence: number
  /** How often it was so. */
  readonly accuracy: number
}

export interface ClassificationReport {
  readonly count: number
  readonly accuracy: number
  /** Expected calibration error: the distance of confidence and accuracy, in the mean over all predictions. */
  readonly ece: number
  /** By confidence in the predicted class; for yes or no, by the probability of yes. */
  readonly reliability: readonly ReliabilityBin[]
  /** Rows are what was true, columns what was predicted. Up to 100 classes. */
  readonly confusion?: readonly (readonly number[])[]
}

/** How often a classifier is right, what it takes for what, and whether its probabilities mean what they say. */
export class Classification {
  readonly #meaning: Meaning
  readonly #ignoreIndex: number | undefined
  readonly #scores: ScoreReader
  #classes = 0
  #correct = 0
  #count = 0
  /** For each bin: predictions, the sum of their probabilities, and how often they came true. */
  readonly #bins = new Float64Array(3 * bins)
  #confusion = new Float64Array()

  private constructor(question: Question, meaning: Meaning) {
    this.#meaning = meaning
    this.#ignoreIndex = ignoreIndexOf(question)
    this.#scores = new ScoreReader(question)
  }

  /** Undefined where the loss is not one of classifiers. */
  static of(question: Question): Classification | undefined {
    const meaning = meaningOf(question)
    return meaning && new Classification(question, meaning)
  }

  /** Rows with a probability for each class have no label, and are left out. */
  async add(given: Arguments, signal: AbortSignal | undefined): Promise<void> {
    if (this.#meaning !== 'classes') {
      this.#addYesOrNo(await this.#scores.ofYes(given, this.#meaning, signal), given)
    } else if (!isFloat(given.target.dtype)) {
      this.#addClasses(await this.#scores.ofClasses(given, signal), given)
    }
  }

  /** Predictions of weight 0 do not count: a missing row stands there with numbers of another one. */
  #addYesOrNo(probabilities: Float32Array | Float64Array, { target, weight }: Arguments): void {
    this.#size(2)
    for (let i = 0; i < probabilities.length; i++) {
      if (weight !== undefined && Number(weight.data[i]) === 0) continue
      const p = probabilities[i] as number
      const t = Number(target.data[i])
      this.#addOne(Number(t >= 0.5), Number(p >= 0.5), p, t)
    }
  }

  #addClasses({ scores, gradient }: ClassScores, { pred, target }: Arguments): void {
    const classes = pred.shape[1] as number
    this.#size(classes)
    for (let row = 0; row < target.data.length; row++) {
      const label = Number(target.data[row])
      if (label === this.#ignoreIndex) continue
      const start = row * classes
      let best = 0
      for (let c = 1; c < classes; c++) {
        if ((scores[start + c] as number) > (scores[start + best] as number)) best = c
      }
      const isRight = Number(best === label)
      this.#addOne(label, best, (gradient[start + best] as number) + isRight, isRight)
    }
  }

  #addOne(actual: number, predicted: number, confidence: number, came: number): void {
    this.#count++
    if (actual === predicted) this.#correct++
    if (this.#confusion.length > 0) {
      const cell = actual * this.#classes + predicted
      this.#confusion[cell] = (this.#confusion[cell] as number) + 1
    }
    if (!(confidence >= 0 && confidence <= 1)) return
    const at = 3 * Math.min(bins - 1, Math.floor(confidence * bins))
    this.#bins[at] = (this.#bins[at] as number) + 1
    this.#bins[at + 1] = (this.#bins[at + 1] as number) + Math.round(confidence / unit)
    this.#bins[at + 2] = (this.#bins[at + 2] as number) + Math.round(came / unit)
  }

  #size(classes: number): void {
    if (this.#classes !== 0) return
    this.#classes = classes
    if (classes <= mostClasses) this.#confusion = new Float64Array(classes * classes)
  }

  merge(other: Classification): void {
    if (other.#classes !== 0) this.#size(other.#classes)
    this.#count += other.#count
    this.#correct += other.#correct
    for (const [i, value] of other.#bins.entries()) this.#bins[i] = (this.#bins[i] as number) + value
    for (const [i, value] of other.#confusion.entries()) {
      this.#confusion[i] = (this.#confusion[i] as number) + value
    }
  }

  /** Undefined where there was no row with a label. */
  report(): ClassificationReport | undefined {
    const [classes, count, cells] = [this.#classes, this.#count, this.#confusion]
    if (count === 0) return undefined
    const reliability = Array.from({ length: bins }, (_, bin): ReliabilityBin => {
      const [held, sum, came] = this.#bins.subarray(3 * bin, 3 * bin + 3) as unknown as [
        number,
        number,
        number,
      ]
      return {
        from: bin / bins,
        to: (bin + 1) / bins,
        count: held,
        confidence: (sum * unit) / held,
        accuracy: (came * unit) / held,
      }
    }).filter(({ count: held }) => held > 0)
    const binned = reliability.reduce((sum, bin) => sum + bin.count, 0)
    const gaps = reliability.map(bin => (bin.count / binned) * Math.abs(bin.confidence - bin.accuracy))
    return {
      count,
      accuracy: this.#correct / count,
      ece: gaps.reduce((sum, gap) => sum + gap, 0),
      reliability,
      ...(cells.length > 0 && {
        confusion: Array.from({ length: classes }, (_, actual) => [
          ...cells.subarray(actual * classes, (actual + 1) * classes),
        ]),
      }),
    }
  }

  toBytes(): Uint8Array {
    return packNumbers([this.#classes, this.#count, this.#correct, ...this.#bins, ...this.#confusion])
  }

  /** Reads what `toBytes` wrote for the same question. */
  read(bytes: Uint8Array): this {
    const numbers = unpackNumbers(bytes)
    const [classes, count, correct] = numbers
    if (classes === undefined || count === undefined || correct === undefined) throw damaged()
    if (!Number.isSafeInteger(classes) || classes < 0) throw damaged()
    if (classes > 0) this.#size(classes)
    const rest = numbers.subarray(3)
    if (rest.length !== this.#bins.length + this.#confusion.length) throw damaged()
    this.#count = count
    this.#correct = correct
    this.#bins.set(rest.subarray(0, this.#bins.length))
    this.#confusion.set(rest.subarray(this.#bins.length))
    return this
  }
}
