import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { fileError } from './errors.ts'

/** Writes a file under another name and renames it in the end: under its own name it is whole, or what it was before. */
export async function writeFile(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const handle = await open(temporary, 'wx')
    try {
      await handle.writeFile(content)
      // Some file systems keep the error of a full disk for later.
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw fileError(path, error, 'written')
  }
}
