import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { describe, expect, it } from 'vitest'
import { evaluate } from '../../lib/evaluate/evaluate.ts'
import type { Plan } from '../../lib/evaluate/plan.ts'
import type { Source } from '../../lib/evaluate/source.ts'
import { openNpy } from '../../lib/evaluate/sources/npy.ts'
import * as losskit from '../../lib/index.ts'
import { testFolder } from './files.ts'
import { memorySource } from './memory-source.ts'

const folder = testFolder()
const rows = 10_000
const pred = Float32Array.from({ length: rows }, (_, i) => Math.sin(i))
const target = Float32Array.from({ length: rows }, (_, i) => Math.cos(3 * i))
const names = ['a', 'b "quoted"', 'c,d']
const ids = Int32Array.from({ length: rows }, (_, i) => i % 3)

const source = (): Source => {
  const inner = memorySource(
    [
      { name: 'p', data: pred.slice() },
      { name: 't', data: target.slice() },
    ],
    [3000, 3000, 4000],
  )
  return {
    ...inner,
    async *[Symbol.asyncIterator]() {
      for await (const batch of inner) {
        const { firstRow } = batch
        yield { ...batch, groups: { ids: ids.slice(firstRow, firstRow + batch.rows), names } }
      }
    },
  }
}
const plan: Plan = {
  losses: [{ loss: 'mse' }, { loss: 'huber', options: { delta: 0.5 } }, { loss: 'huber' }],
}
const expected = [
  losskit.mse(pred, target, { reduction: 'none' }),
  losskit.huber(pred, target, { reduction: 'none', delta: 0.5 }),
  losskit.huber(pred, target, { reduction: 'none' }),
]

async function query(sql: string): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create()
  const connection = await instance.connect()
  try {
    return (await (await connection.run(sql)).getRows()) as unknown[][]
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

describe('the losses of rows', () => {
  it.each(['parquet', 'csv'])(
    'are written as .%s, with numbers and groups, as DuckDB reads it',
    async kind => {
      const path = join(folder.path, `rows.${kind}`)
      await evaluate(source(), { ...plan, by: 'segment' }, { rows: path })
      const read = await query(`SELECT row, segment, mse, huber, huber_2 FROM '${path}'`)
      expect(read).toHaveLength(rows)
      for (const [i, row] of read.entries()) {
        if (i % 97 !== 0) continue
        expect(row).toEqual([BigInt(i), names[i % 3], ...expected.map(values => values[i])])
      }
    },
  )

  it('are written as .npy: one column for each loss', async () => {
    const path = join(folder.path, 'rows.npy')
    await evaluate(source(), plan, { rows: path })
    const file = await openNpy(path)
    expect(file.rows).toBe(rows)
    expect(file.fields[0]).toMatchObject({ dtype: 'float32', rowShape: [3] })
    const read: number[] = []
    for await (const { columns } of file) {
      for (const { data } of columns) read.push(...(data as Float32Array))
    }
    expect(read).toEqual(Array.from({ length: 3 * rows }, (_, i) => expected[i % 3]?.[Math.floor(i / 3)]))
  })

  it('are left empty where the label is ignored', async () => {
    const make = () =>
      memorySource(
        [
          { name: 'z', data: Float64Array.of(1, 2, 3, 4), rowShape: [2] },
          { name: 'y', data: Int32Array.of(-100, 1) },
        ],
        [2],
      )
    const [csv, parquet] = ['ignored.csv', 'ignored.parquet'].map(name => join(folder.path, name))
    for (const path of [csv, parquet]) {
      await evaluate(make(), { losses: [{ loss: 'crossEntropy' }] }, { rows: path })
    }
    const value = Math.log(1 + Math.exp(-1))
    expect(readFileSync(csv as string, 'utf8')).toBe(`row,crossEntropy\n0,\n1,${value}\n`)
    expect(await query(`FROM '${parquet}'`)).toEqual([
      [0n, null],
      [1n, value],
    ])
  })

  it.each(['parquet', 'csv', 'npy'])(
    'leave no .%s behind where anything fails, and an old file as it was',
    async kind => {
      const path = join(folder.path, `failing.${kind}`)
      writeFileSync(path, 'old')
      const before = readdirSync(folder.path)
      const controller = new AbortController()
      let batches = 0
      const failing = evaluate(source(), plan, {
        rows: path,
        signal: controller.signal,
        onProgress: () => {
          if (++batches === 2) controller.abort()
        },
      })
      await expect(failing).rejects.toMatchObject({ name: 'AbortError' })
      expect(readdirSync(folder.path)).toEqual(before)
      expect(readFileSync(path, 'utf8')).toBe('old')
    },
  )

  it.each(['parquet', 'csv', 'npy'])('cannot be written as .%s where there is no folder', async kind => {
    const path = join(folder.path, 'nowhere', `rows.${kind}`)
    const input = source()
    await expect(evaluate(input, plan, { rows: path })).rejects.toMatchObject({
      code: 'ERR_FILE',
      message: `${path}: cannot be written: there is no such file.`,
    })
    expect(existsSync(path)).toBe(false)
  })

  it('are refused in any other format', async () => {
    await expect(evaluate(source(), plan, { rows: 'rows.txt' })).rejects.toMatchObject({
      code: 'ERR_USAGE',
      message: 'rows.txt: losses of rows are written as .csv, .npy, .parquet.',
    })
  })
})
