import { type FileHandle, open } from 'node:fs/promises'
import { DataError, fileError } from '../errors.ts'

/** Opens a file that is read by position, and closes it again where `use` fails. */
export async function openRegular<T>(
  path: string,
  use: (handle: FileHandle, size: number) => Promise<T>,
): Promise<T> {
  try {
    const handle = await open(path)
    try {
      const stat = await handle.stat()
      if (!stat.isFile()) {
        throw new DataError(`${path}: is not a regular file. It is read by position.`)
      }
      return await use(handle, stat.size)
    } catch (error) {
      await handle.close()
      throw error
    }
  } catch (error) {
    throw fileError(path, error)
  }
}

/** What there is instead of what was asked for. */
export function listing(names: readonly string[]): string {
  const shown = names.slice(0, 10).map(name => JSON.stringify(name))
  return `It has ${shown.join(', ') || 'none'}${names.length > shown.length ? `, … (${names.length} in all)` : ''}.`
}
