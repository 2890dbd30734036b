import { randomBytes } from 'node:crypto'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { load, store } from '../../lib/bullmq/results.ts'
import { testFolder } from '../evaluate/files.ts'

const folder = testFolder()
const small = randomBytes(256 * 1024)
const large = randomBytes(256 * 1024 + 1)

describe('the result of a shard', () => {
  it('is kept in the queue up to 256 KiB', async () => {
    const stored = await store(small, 'shard-1', undefined)
    expect(stored).toEqual({ partial: small.toString('base64') })
    expect(small.equals(await load(stored))).toBe(true)
  })

  it('is kept in the shared folder above, where a second worker writes the same', async () => {
    const shared = join(folder.path, 'made', 'when needed')
    const [stored] = await Promise.all([store(large, 'shard-1', shared), store(large, 'shard-1', shared)])
    expect(stored).toEqual({ path: join(shared, 'shard-1.part') })
    expect(readdirSync(shared)).toEqual(['shard-1.part'])
    expect(large.equals(await load(stored))).toBe(true)
  })

  it('is refused above without such a folder, and missed when it is gone', async () => {
    await expect(store(large, 'shard-1', undefined)).rejects.toThrow(
      'a result takes 262145 bytes, and a queue keeps at most 262144. Submit again with a folder that all workers share',
    )
    const stored = await store(large, 'shard-2', folder.path)
    rmSync(join(folder.path, 'shard-2.part'))
    await expect(load(stored)).rejects.toThrow(/shard-2\.part: cannot be read: there is no such file\./)
  })
})
