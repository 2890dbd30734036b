/** Connectionist temporal classification, by the forward and backward recursions in logarithms. */

import { logSumExp } from './functions.ts'

export interface Sequence {
  readonly value: number
  /** [steps, classes]: p less the share of the alignments that are in the class at the step. */
  readonly grad: number[]
  /** p and that share, added. */
  readonly size: number[]
}

const NONE = Number.NEGATIVE_INFINITY

/** One sample: log-probabilities [steps][classes], and the labels of its length. */
export function ctc(
  logs: readonly (readonly number[])[],
  labels: readonly number[],
  { blank = 0, zeroInfinity = false }: { blank?: number; zeroInfinity?: boolean } = {},
): Sequence {
  // Blanks before, between and after the labels.
  const states = [blank, ...labels.flatMap(label => [label, blank])]
  const steps = logs.length
  const at = (t: number, s: number) => logs[t]?.[states[s] as number] as number
  /** Whether state s may follow state s - 2: a label that differs from the one before. */
  const skips = (s: number) => states[s] !== blank && s >= 2 && states[s] !== states[s - 2]
  const grid = () => logs.map(() => states.map(() => NONE))
  const forward = grid()
  const backward = grid()
  const read = (from: number[][], t: number, s: number) => from[t]?.[s] ?? NONE
  for (let t = 0; t < steps; t++) {
    for (let s = 0; s < states.length; s++) {
      const before =
        t === 0
          ? [s < 2 ? 0 : NONE]
          : [
              read(forward, t - 1, s),
              read(forward, t - 1, s - 1),
              skips(s) ? read(forward, t - 1, s - 2) : NONE,
            ]
      ;(forward[t] as number[])[s] = logSumExp(before) + at(t, s)
    }
  }
  for (let t = steps - 1; t >= 0; t--) {
    for (let s = states.length - 1; s >= 0; s--) {
      const after =
        t === steps - 1
          ? [s >= states.length - 2 ? 0 : NONE]
          : [
              read(backward, t + 1, s),
              read(backward, t + 1, s + 1),
              skips(s + 2) ? read(backward, t + 1, s + 2) : NONE,
            ]
      ;(backward[t] as number[])[s] = logSumExp(after) + at(t, s)
    }
  }
  const last = states.length - 1
  const log =
    steps === 0
      ? labels.length === 0
        ? 0
        : NONE
      : logSumExp([read(forward, steps - 1, last), read(forward, steps - 1, last - 1)])
  const classes = logs.flatMap((row, t) => row.map((_, c) => [t, c] as const))
  if (log === NONE) {
    const value = zeroInfinity ? 0 : Number.POSITIVE_INFINITY
    const slope = zeroInfinity ? 0 : Number.NaN
    return { value, grad: classes.map(() => slope), size: classes.map(() => 0) }
  }
  const shares = classes.map(([t, c]) => {
    const through = states.flatMap((state, s) =>
      state === c ? [read(forward, t, s) + read(backward, t, s) - at(t, s)] : [],
    )
    return Math.exp(logSumExp(through) - log)
  })
  const chances = classes.map(([t, c]) => Math.exp(logs[t]?.[c] as number))
  return {
    value: -log,
    grad: chances.map((p, i) => p - (shares[i] as number)),
    size: chances.map((p, i) => p + (shares[i] as number)),
  }
}
