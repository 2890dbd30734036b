/** Losses of every pair of two lists, or of one list with itself. */

import { compensatedSum, dot, logSumExp, sigmoid, softplus, times } from './functions.ts'

type Vector = readonly number[]

/** The values of a whole batch, and the gradients of their sum, each value weighed by what comes in for it. */
export interface Whole {
  readonly values: number[]
  readonly masses: number[]
  /** Of every input that has a gradient, flat. */
  readonly grads: number[][]
  /** The terms without their signs. */
  readonly sizes: number[][]
}

const ones = (count: number): number[] => new Array<number>(count).fill(1)

/** Value i is the mean over j of softplus(n_j - p_i). */
export function siameseTriplet(
  positive: Vector,
  negative: Vector,
  upstream: Vector = ones(positive.length),
): Whole {
  const count = negative.length
  const weighed = (i: number, j: number) =>
    ((upstream[i] as number) * sigmoid((negative[j] as number) - (positive[i] as number))) / count
  const byPositive = positive.map((_, i) => -compensatedSum(negative.map((_, j) => weighed(i, j))))
  const byNegative = negative.map((_, j) => compensatedSum(positive.map((_, i) => weighed(i, j))))
  const sizes = negative.map((_, j) => compensatedSum(positive.map((_, i) => Math.abs(weighed(i, j)))))
  return {
    values: positive.map(p => compensatedSum(negative.map(n => softplus(n - p))) / count),
    masses: ones(positive.length),
    grads: [byPositive, byNegative],
    sizes: [byPositive.map(Math.abs), sizes],
  }
}

/** A vector of length 1, unless it is shorter than 1e-8; and what its gradient becomes for the vector it came from. */
interface Unit {
  readonly unit: number[]
  readonly norm: number
  back(grad: Vector): number[]
}

function normalised(vector: Vector): Unit {
  const norm = Math.sqrt(dot(vector))
  const by = Math.max(norm, 1e-8)
  const unit = vector.map(x => x / by)
  return {
    unit,
    norm: by,
    back(grad) {
      const along = norm > 1e-8 ? dot(unit, grad) : 0
      return grad.map((g, k) => (g - along * (unit[k] as number)) / by)
    },
  }
}

/** For one anchor: its value, and the slopes by its scores. */
interface Anchor {
  readonly value: number
  readonly mass: number
  readonly slopes: readonly number[]
}

/** Scores are cosines over the temperature; `at` says what an anchor makes of its scores. */
function ofCosines(
  x: readonly Vector[],
  y: readonly Vector[] | undefined,
  temperature: number,
  upstream: Vector,
  at: (scores: number[], anchor: number) => Anchor,
): Whole {
  const rows = x.map(normalised)
  const columns = y === undefined ? rows : y.map(normalised)
  const anchors = rows.map(({ unit }, i) =>
    at(
      columns.map(other => dot(unit, other.unit) / temperature),
      i,
    ),
  )
  const weight = (i: number, j: number) =>
    times((upstream[i] as number) / temperature, anchors[i]?.slopes[j] as number)
  const combined = (units: readonly Unit[], by: (k: number) => number, absolute: boolean): number[] =>
    (units[0]?.unit ?? []).map((_, k) =>
      compensatedSum(
        units.map(({ unit }, j) => {
          const term = times(by(j), unit[k] as number)
          return absolute ? Math.abs(term) : term
        }),
      ),
    )
  const sum = (a: Vector, b: Vector) => a.map((each, k) => each + (b[k] as number))
  const sided = (absolute: boolean) => {
    const left = rows.map((_, i) => combined(columns, j => weight(i, j), absolute))
    const right = columns.map((_, j) => combined(rows, i => weight(i, j), absolute))
    return y === undefined
      ? [{ units: rows, grads: left.map((g, i) => sum(g, right[i] as Vector)) }]
      : [
          { units: rows, grads: left },
          { units: columns, grads: right },
        ]
  }
  return {
    values: anchors.map(({ value }) => value),
    masses: anchors.map(({ mass }) => mass),
    grads: sided(false).map(({ units, grads }) => grads.flatMap((g, i) => (units[i] as Unit).back(g))),
    sizes: sided(true).map(({ units, grads }) =>
      grads.flatMap((g, i) => {
        const { unit, norm } = units[i] as Unit
        const along = dot(unit.map(Math.abs), g)
        return g.map((each, k) => (each + along * Math.abs(unit[k] as number)) / norm)
      }),
    ),
  }
}

/** log Σ e^s - s_i over all keys: the surprise of the key of the same position. */
export function infoNce(
  query: readonly Vector[],
  key: readonly Vector[],
  temperature = 0.07,
  upstream: Vector = ones(query.length),
): Whole {
  return ofCosines(query, key, temperature, upstream, (scores, i) => {
    const own = scores[i] as number
    const others = scores.filter((_, j) => j !== i)
    const rest = logSumExp(others)
    const missed = sigmoid(rest - own)
    return {
      value: softplus(rest - own),
      mass: 1,
      slopes: scores.map((s, j) => (j === i ? -missed : times(missed, Math.exp(s - rest)))),
    }
  })
}

const without: Omit<Anchor, 'slopes'> = { value: 0, mass: 0 }

/** Each positive against the negatives alone; the other positives are not in its denominator. */
export function ntXent(
  embeddings: readonly Vector[],
  labels: readonly number[],
  temperature = 0.07,
  upstream: Vector = ones(embeddings.length),
): Whole {
  return ofCosines(embeddings, undefined, temperature, upstream, (scores, i) => {
    const positives = labels.map((label, j) => j !== i && label === labels[i])
    const count = positives.filter(Boolean).length
    if (count === 0) return { ...without, slopes: scores.map(() => 0) }
    const rest = logSumExp(scores.filter((_, j) => labels[j] !== labels[i]))
    const missed = scores.map((s, j) => (positives[j] ? sigmoid(rest - s) / count : 0))
    const all = compensatedSum(missed)
    return {
      value: compensatedSum(scores.map((s, j) => (positives[j] ? softplus(rest - s) / count : 0))),
      mass: 1,
      slopes: scores.map((s, j) =>
        positives[j] ? -(missed[j] as number) : labels[j] === labels[i] ? 0 : times(all, Math.exp(s - rest)),
      ),
    }
  })
}

/** The mean surprise of the positives, among all others. */
export function supCon(
  embeddings: readonly Vector[],
  labels: readonly number[],
  temperature = 0.1,
  upstream: Vector = ones(embeddings.length),
): Whole {
  return ofCosines(embeddings, undefined, temperature, upstream, (scores, i) => {
    const positives = labels.map((label, j) => j !== i && label === labels[i])
    const count = positives.filter(Boolean).length
    if (count === 0) return { ...without, slopes: scores.map(() => 0) }
    const all = logSumExp(scores.filter((_, j) => j !== i))
    return {
      value: compensatedSum(scores.map((s, j) => (positives[j] ? (all - s) / count : 0))),
      mass: 1,
      slopes: scores.map((s, j) => (j === i ? 0 : Math.exp(s - all) - (positives[j] ? 1 / count : 0))),
    }
  })
}
