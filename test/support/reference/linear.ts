/** The cross-entropy of logits that are a linear function of the input. */

import type { Whole } from './all-pairs.ts'
import { crossEntropyOfIndex, type RowOptions } from './categorical.ts'
import { compensatedSum, dot, times } from './functions.ts'

type Vector = readonly number[]

export interface LinearOptions extends RowOptions {
  readonly bias?: Vector | undefined
}

/** Gradients by the input, the weight of the layer and its bias. */
export function linearCrossEntropy(
  input: readonly Vector[],
  layer: readonly Vector[],
  labels: Vector,
  { bias, ...options }: LinearOptions = {},
  upstream: Vector = labels.map(() => 1),
): Whole & { readonly valueSizes: number[] } {
  const rows = input.map((x, i) =>
    crossEntropyOfIndex(
      layer.map((w, c) => dot(x, w) + (bias?.[c] ?? 0)),
      labels[i] as number,
      options,
    ),
  )
  const by = rows.map(({ grad }, i) => grad.map(g => (upstream[i] as number) * g))
  const columns = (list: readonly Vector[]) => (list[0] ?? []).map((_, k) => k)
  const each = (change: (x: number) => number) => [
    input.flatMap((x, i) =>
      x.map((_, k) =>
        compensatedSum(layer.map((w, c) => change(times(by[i]?.[c] as number, w[k] as number)))),
      ),
    ),
    layer.flatMap((_, c) =>
      columns(layer).map(k =>
        compensatedSum(input.map((x, i) => change(times(by[i]?.[c] as number, x[k] as number)))),
      ),
    ),
    layer.map((_, c) => compensatedSum(by.map(g => change(g[c] as number)))),
  ]
  const sizes = each(Math.abs)
  return {
    values: rows.map(({ value }) => value),
    masses: rows.map(({ mass }) => mass),
    // A rounding of a dot product moves the value by as much, and the slopes too.
    valueSizes: input.map(
      (x, i) =>
        (rows[i]?.mass === 0 ? 0 : 1) *
        layer.reduce((most, w) => Math.max(most, dot(x.map(Math.abs), w.map(Math.abs))), 0),
    ),
    grads: each(x => x).slice(0, bias === undefined ? 2 : 3),
    sizes: sizes.slice(0, bias === undefined ? 2 : 3),
  }
}
