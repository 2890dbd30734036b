import { Readable } from 'node:stream'
import { createInflateRaw } from 'node:zlib'
import { DataError } from '../errors.ts'
import { type Bytes, bytesAt } from './bytes.ts'

const readBytes = 2 ** 17

/** What deflated bytes become. They are read from their beginning; an earlier position begins anew. */
export function inflatedBytes(name: string, packed: Bytes, packedSize: number): Bytes {
  let stream: Inflating | undefined
  return {
    async read(into, position) {
      if (stream === undefined || position < stream.position) {
        stream?.close()
        stream = new Inflating(name, packed, packedSize)
      }
      if (!(await stream.skip(position - stream.position))) return 0
      return stream.read(into)
    },
    async close() {
      stream?.close()
      await packed.close()
    },
  }
}

class Inflating {
  position = 0
  readonly #name: string
  readonly #file: Readable
  readonly #inflate: Readable
  readonly #chunks: AsyncIterator<Buffer>
  #rest: Uint8Array = new Uint8Array()

  constructor(name: string, packed: Bytes, packedSize: number) {
    this.#name = name
    this.#file = Readable.from(parts(packed, packedSize))
    const inflate = createInflateRaw()
    this.#file.on('error', error => inflate.destroy(error))
    this.#inflate = this.#file.pipe(inflate)
    this.#chunks = this.#inflate[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  }

  async read(into: Uint8Array): Promise<number> {
    let done = 0
    while (done < into.length && (await this.#more())) {
      const part = this.#rest.subarray(0, into.length - done)
      into.set(part, done)
      this.#rest = this.#rest.subarray(part.length)
      done += part.length
    }
    this.position += done
    return done
  }

  /** False where the end comes first. */
  async skip(count: number): Promise<boolean> {
    for (let left = count; left > 0; ) {
      if (!(await this.#more())) return false
      const part = Math.min(left, this.#rest.length)
      this.#rest = this.#rest.subarray(part)
      this.position += part
      left -= part
    }
    return true
  }

  close(): void {
    this.#file.destroy()
    this.#inflate.destroy()
  }

  async #more(): Promise<boolean> {
    while (this.#rest.length === 0) {
      try {
        const { done, value } = await this.#chunks.next()
        if (done === true) return false
        this.#rest = value
      } catch (error) {
        if (error instanceof Error && String((error as { code?: unknown }).code).startsWith('Z_')) {
          throw new DataError(`${this.#name}: is damaged: ${error.message}.`, { cause: error })
        }
        throw error
      }
    }
    return true
  }
}

async function* parts(packed: Bytes, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < size; at += readBytes) {
    yield await bytesAt(packed, at, Math.min(readBytes, size - at))
  }
}
