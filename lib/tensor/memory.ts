import type { BindingArray } from '../../binding.js'

/**
 * Whether an empty array has lost its memory: detached, or out of the bounds of a shrunk buffer. The language tells only
 * by throwing, from any method that looks at the elements.
 */
export function isGone(array: BindingArray): boolean {
  try {
    Uint8Array.prototype.includes.call(array, 0)
    return false
  } catch {
    return true
  }
}

/**
 * One byte at the end of an array, as long as its memory is there: when the buffer is detached, or shrunk below the end of
 * the array, the length falls to 0. Arrays of any type and size are watched by reading one length of one class.
 */
export type Sentinel = Uint8Array

export function sentinels(arrays: readonly (BindingArray | undefined)[]): Sentinel[] {
  const watched: Sentinel[] = []
  for (const array of arrays) {
    if (array !== undefined && array.length > 0) {
      watched.push(new Uint8Array(array.buffer, array.byteOffset + array.byteLength - 1, 1))
    }
  }
  return watched
}

export function allThere(watched: readonly Sentinel[]): boolean {
  for (let i = 0; i < watched.length; i++) {
    if ((watched[i] as Sentinel).length === 0) return false
  }
  return true
}

export function overlap(a: BindingArray, b: BindingArray): boolean {
  return (
    a.buffer === b.buffer &&
    a.byteOffset < b.byteOffset + b.byteLength &&
    b.byteOffset < a.byteOffset + a.byteLength
  )
}
