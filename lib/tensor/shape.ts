import { LosskitShapeError } from '../errors.ts'
import { show } from '../show.ts'
import { kindOf } from './dtype.ts'

export function readShape(loss: string, name: string, value: unknown): readonly number[] {
  if (!Array.isArray(value) && kindOf(value) === undefined) {
    throw new LosskitShapeError(
      `${loss}: the shape of ${name} is ${show(value)}. It must be an array of sizes, such as [32, 10].`,
    )
  }
  const shape = Array.isArray(value) ? value.slice() : Array.from(value as ArrayLike<unknown>)
  for (let i = 0; i < shape.length; i++) {
    const size: unknown = shape[i]
    if (!Number.isSafeInteger(size) || (size as number) < 0) {
      throw new LosskitShapeError(
        `${loss}: the shape of ${name} holds ${show(size)}. Sizes must be whole numbers from 0 on.`,
      )
    }
  }
  return shape as number[]
}

export function sizeOf(shape: readonly number[]): number {
  let size = 1
  for (const n of shape) size *= n
  return size
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Whether `shape`, its leading ones aside, is how `whole` ends: whether it repeats over the dimensions before. */
export function isSuffix(shape: readonly number[], whole: readonly number[]): boolean {
  let start = 0
  while (start < shape.length && shape[start] === 1) start++
  const suffix = shape.slice(start)
  return suffix.length <= whole.length && sameShape(suffix, whole.slice(whole.length - suffix.length))
}

/** Array libraries show views with `strides` (or `stride`) and `offset`; tensors without them are dense. */
export function isRowMajor(shape: readonly number[], strides: unknown, offset: unknown): boolean {
  if (typeof offset === 'number' && offset !== 0) return false
  if (!Array.isArray(strides) && kindOf(strides) === undefined) return true
  const steps = Array.from(strides as ArrayLike<unknown>)
  let step = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    const size = shape[i] as number
    if (size !== 1 && steps[i] !== step) return false
    step *= size
  }
  return true
}
