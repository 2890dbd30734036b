import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { fileError } from '../errors.ts'

/** What tells a data file from another one, wherever it lies and whatever it is called there. */
export interface FilePrint {
  /** As it was given, for people. */
  readonly name: string
  readonly size: number
  /** SHA-256 of the size (8 bytes, little endian), the first 64 KiB and the last 64 KiB, in hexadecimal. */
  readonly sha256: string
}

const edge = 64 * 1024

/** Reads no more than 128 KiB, so that fingerprints of a thousand shards cost nothing. */
export async function fingerprintFile(path: string): Promise<FilePrint> {
  try {
    const handle = await open(path)
    try {
      const { size } = await handle.stat()
      const begin = Buffer.alloc(8)
      begin.writeBigUInt64LE(BigInt(size))
      const hash = createHash('sha256').update(begin)
      hash.update(await readAt(handle, 0, Math.min(edge, size)))
      hash.update(await readAt(handle, Math.max(0, size - edge), Math.min(edge, size)))
      return { name: path, size, sha256: hash.digest('hex') }
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw fileError(path, error)
  }
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const { bytesRead, buffer } = await handle.read(new Uint8Array(length), 0, length, position)
  return buffer.subarray(0, bytesRead)
}

/** The first file that differs, or undefined where all are the same. */
export function differingFile(
  a: readonly FilePrint[],
  b: readonly FilePrint[],
): readonly [FilePrint | undefined, FilePrint | undefined] | undefined {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    if (a[i]?.size !== b[i]?.size || a[i]?.sha256 !== b[i]?.sha256) return [a[i], b[i]]
  }
  return undefined
}
