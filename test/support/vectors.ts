/** Rows of vectors, scores between them written out in float64, and slopes by differences of five points. */

import { afterEach } from 'vitest'
import { binding } from '../../lib/backend/binding.ts'
import { expectAllNear, expectAllSame } from './expect.ts'
import { floats as eitherFloats } from './floats.ts'
import type { Random } from './random.ts'
import type { ComputeType } from './ulp.ts'

/** Said to be the narrower type of the two: an array that may be either fits no pair of inputs. */
export type Floats = Float32Array
export const floats = eitherFloats as (type: ComputeType, values: ArrayLike<number>) => Floats

export type Rows = readonly (readonly number[])[]

export const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, x, k) => sum + x * (b[k] as number), 0)

export function cosine(a: readonly number[], b: readonly number[]): number {
  const norm = (x: readonly number[]) => Math.max(Math.sqrt(dot(x, x)), 1e-8)
  return dot(a, b) / norm(a) / norm(b)
}

/** log(1 + Σ e^x), without its overflow, and exact where all x are small. */
export function logOnePlus(x: readonly number[]): number {
  const most = Math.max(0, ...x)
  const rest = x.reduce((sum, v) => sum + Math.exp(v - most), 0)
  return most === 0 ? Math.log1p(rest) : most + Math.log(rest + Math.exp(-most))
}

export const mean = (x: readonly number[]): number => x.reduce((sum, v) => sum + v, 0) / x.length

/** −log softmax(s)_at: the others against it. */
export const surprise = (s: readonly number[], at: number): number =>
  logOnePlus(s.filter((_, j) => j !== at).map(v => v - (s[at] as number)))

/** Slopes of the sum of `upstream` times the values, by every number of `at`. */
export function slopes(
  at: Rows,
  values: (rows: Rows) => readonly number[],
  upstream: readonly number[],
  step = 1e-3,
): number[] {
  const moved = (i: number, k: number, by: number): number => {
    const rows = at.map(row => [...row])
    ;(rows[i] as number[])[k] = ((rows[i] as number[])[k] as number) + by
    return dot(values(rows), upstream)
  }
  return at.flatMap((row, i) =>
    row.map((_, k) => {
      const [near, far] = [step, 2 * step].map(h => moved(i, k, h) - moved(i, k, -h)) as [number, number]
      return (8 * near - far) / (12 * step)
    }),
  )
}

export const normals = (random: Random, rows: number, columns: number): number[][] =>
  Array.from({ length: rows }, () => random.list(columns, () => random.normal()))

/** The rows as a type holds them, and as an argument. */
export function stored(
  type: ComputeType,
  rows: Rows,
): { readonly rows: number[][]; readonly tensor: { data: Floats; shape: number[] } } {
  const columns = rows[0]?.length ?? 0
  const data = floats(type, rows.flat())
  return {
    rows: rows.map((_, i) => Array.from(data.subarray(i * columns, (i + 1) * columns))),
    tensor: { data, shape: [rows.length, columns] },
  }
}

/** Units in the last place: float64 has those of the reference's own sums. */
export const ULPS = { float32: 2, float64: 2000 } as const
export const NEAR = { float32: 1e-6, float64: 1e-7 } as const

export function expectSlopes(actual: Floats, truth: number[], type: ComputeType, what?: string): void {
  const scale = truth.map(() => Math.max(...truth.map(Math.abs)))
  expectAllNear(actual, truth, type, NEAR[type], what === undefined ? { scale } : { scale, what })
}

const { isa: initialIsa, isas, threads: initialThreads } = binding.info()

afterEach(() => {
  binding.setIsa(initialIsa)
  binding.setThreads(initialThreads)
})

/** Computes on every instruction set and with several threads: all must give the same numbers. */
export function expectOneResult(compute: () => readonly Floats[]): void {
  let first: readonly Floats[] | undefined
  for (const isa of isas) {
    binding.setIsa(isa)
    for (const threads of [1, 2, 5]) {
      binding.setThreads(threads)
      const results = compute()
      first ??= results
      results.forEach((result, k) => {
        expectAllSame(result, first?.[k] as Floats, `result ${k} of ${isa} with ${threads} threads`)
      })
    }
  }
}
