import { DataError } from '../errors.ts'

// A tally as bytes is a list of parts, each with its length before it; a part may be such a list again.

export function pack(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 0))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const part of parts) {
    view.setUint32(at, part.length, true)
    bytes.set(part, at + 4)
    at += 4 + part.length
  }
  return bytes
}

/** The parts, of which there must be `count` where that is given. */
export function unpack(bytes: Uint8Array, count?: number): readonly Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const parts: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const start = at + 4
    const end = start <= bytes.length ? start + view.getUint32(at, true) : Number.POSITIVE_INFINITY
    if (end > bytes.length) throw damaged()
    parts.push(bytes.subarray(start, end))
    at = end
  }
  if (count !== undefined && parts.length !== count) throw damaged()
  return parts
}

/** Numbers in the byte order of the machines that losskit runs on. */
export function packNumbers(numbers: ArrayLike<number>): Uint8Array {
  // One NaN for all: others have bits that tell where they came from.
  return new Uint8Array(
    Float64Array.from(numbers, value => (Number.isNaN(value) ? Number.NaN : value)).buffer,
  )
}

export function unpackNumbers(bytes: Uint8Array, count?: number): Float64Array {
  if (bytes.length % 8 !== 0 || (count !== undefined && bytes.length !== 8 * count)) throw damaged()
  return new Float64Array(bytes.slice().buffer)
}

export function damaged(): DataError {
  return new DataError('These bytes are not a tally of this plan: damaged, cut off, or of another version.')
}
