import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { beforeEach, describe, expect, it } from 'vitest'
import { registerLosses } from '../../lib/duckdb/index.ts'
import { huber, mse } from '../../lib/index.ts'
import { connect, number, numbers, rows } from './database.ts'

let connection: DuckDBConnection
const n = 200_000

beforeEach(async () => {
  connection = await connect()
})

describe('registerLosses', () => {
  it('serves every connection of the instance, and may be called again', async () => {
    const instance = await DuckDBInstance.create(':memory:')
    const [first, second] = [await instance.connect(), await instance.connect()]
    await registerLosses(first)
    await registerLosses(second)
    expect(await number(second, 'SELECT mse(3, 1)')).toBe(4)
    expect(await number(first, 'SELECT MSE(3, 1)')).toBe(4)
  })

  it('serves queries of several connections at once, beside the event loop', async () => {
    const instance = await DuckDBInstance.create(':memory:')
    const connections = await Promise.all([0, 1, 2, 3].map(() => instance.connect()))
    await registerLosses(connections[0] as DuckDBConnection)
    let ticks = 0
    const timer = setInterval(() => ticks++, 1)
    const sums = connections.map((each, y) =>
      number(each, `SELECT exact_sum(list(mse(i, ${y}))) FROM range(${n}) t(i)`),
    )
    // Σ (i − y)² = Σ i² − 2y Σ i + n y²; all of it below 2⁵³.
    const squares = (((n * (n - 1)) / 2) * (2 * n - 1)) / 3
    expect(await Promise.all(sums)).toEqual([0, 1, 2, 3].map(y => squares - y * n * (n - 1) + n * y * y))
    clearInterval(timer)
    expect(ticks).toBeGreaterThan(1)
  })

  it('registers the losses that are named, under a prefix', async () => {
    await registerLosses(connection, { names: ['huber', 'quantile'], prefix: 'losskit_' })
    expect(await number(connection, 'SELECT losskit_huber(3, 0)')).toBe(2.5)
    expect(await number(connection, 'SELECT losskit_quantileLoss(1, 2, 0.75)')).toBe(0.75)
    expect(await number(connection, 'SELECT losskit_exact_sum([1, 2])')).toBe(3)
    await expect(rows(connection, 'SELECT losskit_mse(3, 0)')).rejects.toThrow(/losskit_mse does not exist/)
    await expect(rows(connection, 'SELECT huber(3, 0)')).rejects.toThrow(/huber does not exist/)
  })

  it('refuses a name that is no loss, or one whose value is not that of a row', async () => {
    for (const name of ['mean', 'rmse', 'crossEntropy']) {
      await expect(registerLosses(connection, { names: ['mse', name] })).rejects.toMatchObject({
        code: 'ERR_OPTION',
        message: expect.stringContaining(
          `names has '${name}'. Losses that can be functions of SQL are bce, `,
        ),
      })
    }
  })

  it('is what loads DuckDB, not the import of its module', async () => {
    const code = `
      import { createRequire } from 'node:module'
      import { registerLosses } from 'losskit/duckdb'
      const loaded = () => Object.keys(createRequire(import.meta.url).cache).some(file => file.includes('@duckdb'))
      console.log(loaded())
      await registerLosses({ registerScalarFunction() {} })
      console.log(loaded())`
    const cwd = fileURLToPath(new URL('../..', import.meta.url))
    const args = ['--input-type=module', '--eval', code]
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd })
    expect(stdout).toBe('false\ntrue\n')
  })
})

describe('a loss in SQL', () => {
  beforeEach(() => registerLosses(connection))

  it('is NULL where an input or an option is, and right in the rows between', async () => {
    const query = `SELECT huber(pred, target, delta) FROM
      (VALUES (3, 0, 1), (NULL, 0, 1), (3, NULL, 1), (3, 0, NULL), (3, 0, 2), (0.5, 0, 2)) t(pred, target, delta)`
    expect(await numbers(connection, query)).toEqual([2.5, null, null, null, 4, 0.125])
    expect(await numbers(connection, 'SELECT mse(NULL, x) FROM range(2) t(x)')).toEqual([null, null])
    expect(await rows(connection, 'SELECT count(bce(NULL::DOUBLE, x)) FROM range(9) t(x)')).toEqual([['0']])
  })

  it('has NULLs in the right rows of many chunks', async () => {
    const query = `SELECT sum(mse(IF(x % 3 = 0, NULL, x), 1)), count(mse(IF(x % 3 = 0, NULL, x), 1)),
      sum(IF(x % 3 = 0, NULL, (x - 1) ** 2)) FROM range(100000) t(x)`
    const [[own, count, theirs] = []] = await rows(connection, query)
    expect(count).toBe('66666')
    expect(own).toBe(theirs)
  })

  it('takes an option that differs from row to row', async () => {
    const query = 'SELECT huber(3, 0, 1 + x % 3) FROM range(5000) t(x)'
    const deltas = Array.from({ length: 5000 }, (_, x) => 1 + (x % 3))
    const expected = deltas.map(delta => huber([3], [0], { delta }))
    expect(await numbers(connection, query)).toEqual(expected)
    const words = "SELECT hinge(0.5, 1, IF(x = 1, '01', '±1')) FROM range(3) t(x)"
    expect(await numbers(connection, words)).toEqual([0.5, 0.5, 0.5])
  })

  it('keeps NaN and infinities', async () => {
    const query = `SELECT mse(x, 0) FROM (VALUES ('nan'::DOUBLE), ('inf'::DOUBLE), ('-inf'::DOUBLE)) t(x)`
    expect(await numbers(connection, query)).toEqual([Number.NaN, Infinity, Infinity])
  })

  it('names the loss and what it found, but no position, where a value is outside its domain', async () => {
    const failing = {
      'SELECT bce(x, 1) FROM (VALUES (0.5), (1.5)) t(x)':
        'bce: pred is 1.5. A probability must lie in [0, 1].',
      'SELECT hinge(1, x) FROM range(3) t(x)':
        "hinge: target is 0. A label must be -1 or 1, or with labels: '01' be 0 or 1.",
      'SELECT huber(x, 0, -1) FROM range(3) t(x)': 'huber: delta is -1. It must be a finite number above 0.',
      "SELECT hinge(x, 1, 'yes') FROM range(3) t(x)": "hinge: labels is 'yes'. It must be '±1' or '01'.",
    }
    for (const [query, message] of Object.entries(failing)) {
      await expect(rows(connection, query), query).rejects.toThrow(`Invalid Input Error: ${message}`)
    }
    expect(await number(connection, 'SELECT bce(1, 1)'), 'the connection goes on').toBe(0)
  })

  it('does not look at what lies under a NULL', async () => {
    // Numbers that bce would refuse, hidden by a NULL in the other column.
    const query = 'SELECT count(bce(x, IF(x BETWEEN 0 AND 1, x, NULL))) FROM range(100) t(x)'
    expect(await rows(connection, query)).toEqual([['2']])
  })
})

describe('exact_sum and exact_avg', () => {
  beforeEach(() => registerLosses(connection))

  it('lose nothing where sum of DuckDB does', async () => {
    const from = 'FROM (VALUES (1e16), (1.0), (-1e16), (0)) t(x)'
    expect(await number(connection, `SELECT exact_sum(list(x)) ${from}`)).toBe(1)
    expect(await number(connection, `SELECT exact_avg(list(x)) ${from}`)).toBe(0.25)
    expect(await number(connection, `SELECT sum(x) ${from}`)).toBe(0)
  })

  it('are those of the library, for each group and in any order', async () => {
    const values = (column: string, group: number) =>
      numbers(connection, `SELECT ${column} FROM data WHERE g = ${group}`) as Promise<number[]>
    await connection.run(`CREATE TABLE data AS SELECT i % 3 AS g, ln(1 + hash(i) % 100003) AS p, ln(1 + hash(-i) % 100003) AS t
      FROM range(100000) r(i)`)
    for (const order of ['i', 'p', 't DESC']) {
      const query = `SELECT exact_avg(list(mse(p, t))), exact_avg(list(mse(p::FLOAT, t::FLOAT)))
        FROM (SELECT *, rowid AS i FROM data ORDER BY ${order}) GROUP BY g ORDER BY g`
      for (const [g, means] of (await rows(connection, query)).entries()) {
        const [p, t] = [await values('p', g), await values('t', g)]
        expect(means).toEqual([
          mse(Float64Array.from(p), Float64Array.from(t)),
          mse(Float32Array.from(p), Float32Array.from(t)),
        ])
      }
    }
  })

  it('do not count NULLs, and are NULL where nothing counts', async () => {
    const query = `SELECT exact_avg(x), exact_sum(x) FROM
      (VALUES ([1, NULL, 2]), (NULL), ([]), ([NULL]), ([4])) t(x)`
    expect(await rows(connection, query)).toEqual([
      [1.5, 3],
      [null, null],
      [null, null],
      [null, null],
      [4, 4],
    ])
    expect(await number(connection, 'SELECT exact_avg(list(x) FILTER (x > 5)) FROM range(3) t(x)')).toBe(null)
    expect(await number(connection, 'SELECT exact_avg(list(x) FILTER (x > 5)) FROM range(9) t(x)')).toBe(7)
  })
})
