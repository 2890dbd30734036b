/** Building inputs in both float types, and reading them back as the numbers that they really hold. */

import type { ComputeType } from './ulp.ts'

export const FLOATS: readonly ComputeType[] = ['float32', 'float64']

export type Floats = Float32Array | Float64Array

export function floats(type: ComputeType, values: ArrayLike<number>): Floats {
  return type === 'float32' ? new Float32Array(values) : new Float64Array(values)
}

export function zeros(type: ComputeType, length: number): Floats {
  return type === 'float32' ? new Float32Array(length) : new Float64Array(length)
}

/** The numbers after rounding to `type`: what a reference has to start from. */
export function held(type: ComputeType, values: ArrayLike<number>): number[] {
  return Array.from(floats(type, values))
}

export function matrix(
  type: ComputeType,
  rows: readonly (readonly number[])[],
): { data: Floats; shape: number[] } {
  return { data: floats(type, rows.flat()), shape: [rows.length, rows[0]?.length ?? 0] }
}

/** The same numbers one element into a larger buffer, so that no vector of them is aligned. */
export function shifted<T extends Floats>(array: T): T {
  const Kind = array.constructor as new (buffer: ArrayBuffer, byteOffset: number, length: number) => T
  const size = array.BYTES_PER_ELEMENT
  const moved = new Kind(new ArrayBuffer((array.length + 2) * size), size, array.length)
  moved.set(array as never)
  return moved
}

export function rowsOf(data: ArrayLike<number>, classes: number): number[][] {
  const all = Array.from(data)
  return Array.from({ length: all.length / classes }, (_, row) =>
    all.slice(row * classes, (row + 1) * classes),
  )
}
