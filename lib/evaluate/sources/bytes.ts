import type { FileHandle } from 'node:fs/promises'

/** Bytes that can be read by position. */
export interface Bytes {
  /** Fills `into` from `position` on; fewer bytes only at the end. */
  read(into: Uint8Array, position: number): Promise<number>
  close(): Promise<void>
}

/** A longer read is split by the operating system anyway. */
const readBytes = 2 ** 30

/** A part of a file, from `offset` on. */
export function fileBytes(handle: FileHandle, offset = 0): Bytes {
  return {
    async read(into, position) {
      let done = 0
      while (done < into.length) {
        const length = Math.min(into.length - done, readBytes)
        const { bytesRead } = await handle.read(into, done, length, offset + position + done)
        if (bytesRead === 0) break
        done += bytesRead
      }
      return done
    },
    close: () => handle.close(),
  }
}

/** At most `length` bytes; fewer only at the end. */
export async function bytesAt(bytes: Bytes, position: number, length: number): Promise<Uint8Array> {
  const into = new Uint8Array(length)
  return into.subarray(0, await bytes.read(into, position))
}
