import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileError } from '../evaluate/errors.ts'
import { writeFile } from '../evaluate/write-file.ts'
import { ClusterError } from './errors.ts'

/** The bytes of a partial as a job returns them: themselves in base64, or where they lie. */
export type Stored = { readonly partial: string } | { readonly path: string }

/** A queue lives in the memory of its server, which is shared by thousands of shards. */
const inlineBytes = 256 * 1024

/** Whoever stores the same shard again writes the same bytes to the same place. */
export async function store(bytes: Uint8Array, jobId: string, folder: string | undefined): Promise<Stored> {
  if (bytes.length <= inlineBytes) return { partial: Buffer.from(bytes).toString('base64') }
  if (folder === undefined) {
    throw new ClusterError(
      `a result takes ${bytes.length} bytes, and a queue keeps at most ${inlineBytes}. ` +
        'Submit again with a folder that all workers share: --store FOLDER.',
    )
  }
  const path = join(folder, `${jobId}.part`)
  try {
    await mkdir(folder, { recursive: true })
  } catch (error) {
    throw fileError(folder, error, 'written')
  }
  await writeFile(path, bytes)
  return { path }
}

export async function load(stored: Stored): Promise<Uint8Array> {
  if ('partial' in stored) return Buffer.from(stored.partial, 'base64')
  try {
    return await readFile(stored.path)
  } catch (error) {
    throw fileError(stored.path, error)
  }
}
