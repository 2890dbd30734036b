import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Report } from '../../lib/evaluate/report.ts'
import { testFolder } from '../evaluate/files.ts'
import { losskit } from './command.ts'

const folder = testFolder()
const cwd = folder.path
const query = `
  SELECT sin(i * 12.9898) AS p, cos(i * 78.233) AS t, 1 + i % 7 AS w, i % 11 - 5 AS code,
    ['north', 'south', 'a "b", c'][1 + (i * i + i // 3) % 3] AS segment
  FROM range(30000) r(i)`
const losses = ['--loss', 'mae', '--loss', 'mse']

/** Means by group, as DuckDB computes them. */
async function means(by: string): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create()
  const connection = await instance.connect()
  await connection.run(`COPY (${query}) TO '${join(cwd, 'data.parquet')}'`)
  const rows = await connection.runAndReadAll(
    `SELECT ${by}::VARCHAR, avg(abs(p - t)), avg((p - t) ** 2), count(*)::INT FROM (${query}) GROUP BY ${by} ORDER BY ${by}`,
  )
  connection.closeSync()
  instance.closeSync()
  return rows.getRows()
}

async function report(args: readonly string[]): Promise<Report> {
  const { code, stdout, stderr } = await losskit(
    ['evaluate', ...args, '--pred', 'p', '--target', 't', '--json'],
    { cwd },
  )
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout) as Report
}

describe('groups on the command line', () => {
  const expected = new Map<string, unknown[][]>()
  beforeAll(async () => {
    for (const by of ['segment', 'code']) expected.set(by, await means(by))
  })

  it.each(['segment', 'code'])('are what DuckDB finds, by %s', async by => {
    const found = await report(['data.parquet', ...losses, '--by', by])
    const said = expected.get(by) ?? []
    const [mae, mse] = found.losses
    expect(mae?.groups?.map(({ name, count }) => [name, count])).toEqual(
      said.map(([name, , , n]) => [name, n]),
    )
    for (const [i, [, absolute, squared]] of said.entries()) {
      // Its own sums are rounded at every step.
      expect(mae?.groups?.[i]?.value).toBeCloseTo(absolute as number, 12)
      expect(mse?.groups?.[i]?.value).toBeCloseTo(squared as number, 12)
    }
  })

  it('have the bits of the rows that a query leaves, weights included', async () => {
    const all = await report(['data.parquet', ...losses, '--by', 'segment', '--weight', 'w'])
    for (const name of ['north', 'south', 'a "b", c']) {
      const sql = `SELECT * FROM 'data.parquet' WHERE segment = '${name}'`
      const alone = await report(['--sql', sql, ...losses, '--weight', 'w'])
      for (const [i, { value, count }] of alone.losses.entries()) {
        expect(all.losses[i]?.groups?.find(group => group.name === name)).toEqual({ name, value, count })
      }
    }
  })

  it('can each have a threshold', async () => {
    const limit = (name: string, value: number) => ['--fail-above', `mae@${name}=${value}`]
    const args = [
      'evaluate',
      'data.parquet',
      '--pred',
      'p',
      '--target',
      't',
      '--loss',
      'mae',
      '--by',
      'segment',
    ]
    const fine = await losskit([...args, ...limit('north', 10), ...limit('a "b", c', 10)], { cwd })
    expect(fine.code).toBe(0)
    const failed = await losskit(
      [...args, ...limit('north', 10), ...limit('south', 0.1), ...limit('west', 10)],
      { cwd },
    )
    expect(failed.code).toBe(1)
    expect(failed.stderr).toMatch(
      /^losskit: ERR_THRESHOLD: mae of south is 0\.\d+, not at most 0\.1 as --fail-above asks\.\nlosskit: ERR_THRESHOLD: mae of west is asked for by --fail-above, but there is no such group\.\n$/,
    )
  })
})
