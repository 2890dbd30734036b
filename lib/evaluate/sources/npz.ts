import { DataError } from '../errors.ts'
import { type ArrayOptions, ArraySource } from './array.ts'
import { type Bytes, fileBytes } from './bytes.ts'
import { inflatedBytes } from './inflate.ts'
import { readNpy } from './npy.ts'
import { listing, openRegular } from './regular-file.ts'
import { entryStart, type ZipEntry, zipEntries } from './zip.ts'

/** Opens one array of a .npz file, which is a zip archive of .npy files. */
export function openNpz(path: string, array: string, options: ArrayOptions = {}): Promise<ArraySource> {
  return openRegular(path, async (handle, size) => {
    const whole = fileBytes(handle)
    const entries = await zipEntries(path, whole, size)
    const entry = entries.find(({ name }) => name === `${array}.npy` || name === array)
    if (entry === undefined) {
      const names = entries.map(({ name }) => name.replace(/\.npy$/, ''))
      throw new DataError(`${path}: there is no array "${array}". ${listing(names)}`)
    }
    const start = await entryStart(path, whole, entry)
    if (start + entry.packedSize > size) throw new DataError(`${path}: is cut short in the array "${array}".`)
    const name = `${path}, array "${array}"`
    const bytes = unpacked(name, entry, fileBytes(handle, start))
    return new ArraySource(await readNpy(name, bytes, entry.size), options)
  })
}

function unpacked(name: string, { method, packedSize }: ZipEntry, packed: Bytes): Bytes {
  if (method === 0) return packed
  if (method === 8) return inflatedBytes(name, packed, packedSize)
  throw new DataError(
    `${name}: is compressed by method ${method}. Save it with np.savez or np.savez_compressed.`,
  )
}
