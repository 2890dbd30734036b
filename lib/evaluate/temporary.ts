import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { fileError } from './errors.ts'

/** A name beside `path` that nobody else has. */
export function temporaryName(path: string): string {
  return `${path}.${randomBytes(6).toString('hex')}.tmp`
}

/** A file that is written piece by piece under another name: it gets its own only when it is whole. */
export class TemporaryFile {
  readonly #path: string
  readonly #temporary: string
  readonly #handle: FileHandle

  private constructor(path: string, temporary: string, handle: FileHandle) {
    this.#path = path
    this.#temporary = temporary
    this.#handle = handle
  }

  static async open(path: string): Promise<TemporaryFile> {
    const temporary = temporaryName(path)
    try {
      return new TemporaryFile(path, temporary, await open(temporary, 'wx'))
    } catch (error) {
      throw fileError(path, error, 'written')
    }
  }

  /** Appends bytes, or replaces some that were written before. */
  async write(bytes: Uint8Array, position?: number): Promise<void> {
    try {
      for (let at = 0; at < bytes.length; ) {
        const place = position === undefined ? null : position + at
        const { bytesWritten } = await this.#handle.write(bytes, at, bytes.length - at, place)
        at += bytesWritten
      }
    } catch (error) {
      throw fileError(this.#path, error, 'written')
    }
  }

  async finish(): Promise<void> {
    try {
      // Some file systems keep the error of a full disk for later.
      await this.#handle.sync()
      await this.#handle.close()
      await rename(this.#temporary, this.#path)
    } catch (error) {
      throw fileError(this.#path, error, 'written')
    }
  }

  async discard(): Promise<void> {
    await this.#handle.close().catch(() => {})
    await rm(this.#temporary, { force: true })
  }
}
