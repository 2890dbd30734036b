import { open, stat } from 'node:fs/promises'
import { extname } from 'node:path'
import { DataError, FileError, fileError } from '../errors.ts'
import { stdin } from './csv-records.ts'
import { isNpy } from './npy-header.ts'

/** `table` is what DuckDB reads and the name tells more of: JSON, files at addresses, and patterns of names. */
export type Format = 'arrow' | 'npy' | 'npz' | 'safetensors' | 'csv' | 'parquet' | 'table'

/** How files of a format begin. */
const formats: readonly (readonly [string, Format])[] = [
  ['PAR1', 'parquet'],
  ['PK\x03\x04', 'npz'],
  ['ARROW1', 'arrow'],
  ['\x1f\x8b', 'csv'],
]

/** Files that begin like this are not read, and what to do with them. */
const foreign: readonly (readonly [string, string])[] = [
  ['\x89HDF', 'is an HDF5 file, which cannot be read. Write it as CSV or .npy.'],
]

/** By what the file begins with; where it says nothing, by its extension; otherwise text. */
export async function formatOf(path: string): Promise<Format> {
  if (path === stdin) return 'csv'
  if (isAddress(path) || (await isPattern(path))) return 'table'
  const begin = await firstBytes(path)
  if (isNpy(begin)) return 'npy'
  const text = Buffer.from(begin).toString('latin1')
  const known = formats.find(([magic]) => text.startsWith(magic))
  if (known !== undefined) return known[1]
  const found = foreign.find(([magic]) => text.startsWith(magic))
  if (found !== undefined) throw new DataError(`${path}: ${found[1]}`)
  const extension = extname(path).toLowerCase()
  if (extension === '.npy' || extension === '.npz' || extension === '.safetensors') {
    return extension.slice(1) as Format
  }
  if (/^\.(arrow|arrows|feather|ipc)$/.test(extension)) return 'arrow'
  return /^\.(parquet|parq|pq|json|jsonl|ndjson)$/.test(extension) ? 'table' : 'csv'
}

/** `s3://bucket/file`, `https://host/file`. */
export function isAddress(path: string): boolean {
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(path)
}

/** A name with `*`, `?` or `[…]` that is not the name of a file. */
export async function isPattern(path: string): Promise<boolean> {
  return /[*?[]/.test(path) && !(await stat(path).catch(() => undefined))
}

/** `file.npz:name` is one array of a file. */
export function memberOf(path: string): { readonly file: string; readonly name: string } | undefined {
  const [, file, name] = /^(.*\.(?:npz|safetensors)):(.+)$/i.exec(path) ?? []
  return file === undefined || name === undefined ? undefined : { file, name }
}

async function firstBytes(path: string): Promise<Uint8Array> {
  try {
    const stats = await stat(path)
    if (stats.isDirectory()) {
      throw new FileError(
        `${path}: cannot be read: it is a folder. A pattern names its files: ${path}/*.parquet`,
      )
    }
    // What is read from a pipe would be missing afterwards.
    if (!stats.isFile()) return new Uint8Array()
    const handle = await open(path)
    try {
      const { bytesRead, buffer } = await handle.read(new Uint8Array(8), 0, 8, 0)
      return buffer.subarray(0, bytesRead)
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw fileError(path, error)
  }
}
