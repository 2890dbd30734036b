import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { evaluate } from '../../../lib/evaluate/evaluate.ts'
import { Database } from '../../../lib/evaluate/sources/duckdb/database.ts'
import { countRows, openInputs } from '../../../lib/evaluate/sources/open.ts'
import { testFolder } from '../files.ts'
import { errorOf, readInputs } from './read.ts'

const folder = testFolder()
const at = (name: string) => join(folder.path, name)
const [rows, group] = [10_000, 2048]
const columns = { pred: 'p', target: 'y' }

let sql: (query: string) => Promise<unknown[][]>

beforeAll(async () => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  sql = async query => (await connection.runAndReadAll(query)).getRows()
  const select = (first: number, end: number) =>
    `SELECT range::FLOAT / 8 AS p, (range % 3)::INTEGER AS y, 'seg' || range % 5 AS s, range % 7 AS k,
      'a name longer than twelve ' || range % 2 AS long, [range, -range, 0.5]::FLOAT[] AS l FROM range(${first}, ${end})`
  const write = (query: string, name: string) =>
    sql(`COPY (${query}) TO '${at(name)}' (ROW_GROUP_SIZE ${group})`)
  await write(select(0, rows), 'all.parquet')
  mkdirSync(at('parts'))
  // Sorted by name, which is not the order in which they are written.
  await write(select(7000, rows), 'parts/b.parquet')
  await write(select(0, 7000), 'parts/a.parquet')
  await sql(`COPY (${select(0, 3000)}) TO '${at('some.jsonl')}' (FORMAT json)`)
  await sql(`COPY (SELECT range / 4 AS p, range % 2 AS y FROM range(50)) TO '${at('a-1.csv')}'`)
  await sql(`COPY (SELECT range / 4 AS p, range % 2 AS y FROM range(50, 90)) TO '${at('a-2.csv')}'`)
})

describe('a Parquet file', () => {
  it('gives its columns in the order of the file, with their types', async () => {
    const source = await openInputs({ file: at('all.parquet'), ...columns, by: 's' }, { wholeRows: true })
    expect(source.rows).toBe(rows)
    expect(source.fields.map(({ dtype, rowShape }) => [dtype, rowShape])).toEqual([
      ['float32', []],
      ['int32', []],
    ])
    await source.close()
    const read = await readInputs({ file: at('all.parquet'), ...columns, by: 's' })
    expect(read.columns[0]).toEqual(Array.from({ length: rows }, (_, i) => i / 8))
    expect(read.columns[1]).toEqual(Array.from({ length: rows }, (_, i) => i % 3))
    expect(read.groups).toEqual(Array.from({ length: rows }, (_, i) => `seg${i % 5}`))
    expect(read.rows).toEqual(Array.from({ length: rows }, (_, i) => i))
    expect(read.places[4321]).toBe('row 4321')
  })

  it.each([
    ['k', (i: number) => String(i % 7)],
    ['long', (i: number) => `a name longer than twelve ${i % 2}`],
  ])('groups rows by %s', async (by, name) => {
    const { groups } = await readInputs({ file: at('all.parquet'), ...columns, by })
    expect(groups).toEqual(Array.from({ length: rows }, (_, i) => name(i)))
  })

  it('gives lists as rows', async () => {
    const { columns: read } = await readInputs({ file: at('all.parquet'), pred: 'l', target: 'y' })
    expect(read[0]).toEqual(Array.from({ length: rows }, (_, i) => [i, 0 - i, 0.5]).flat())
  })

  it('gives any range of rows with their numbers, in batches of any size', async () => {
    const row = fc.integer({ min: 0, max: rows })
    const chunk = fc.integer({ min: 1, max: 5000 })
    await fc.assert(
      fc.asyncProperty(row, row, chunk, fc.boolean(), async (a, b, chunkRows, isSplit) => {
        const range = { first: Math.min(a, b), end: Math.max(a, b) }
        const file = isSplit ? at('parts/*.parquet') : at('all.parquet')
        const read = await readInputs({ file, ...columns, by: 's' }, { range, chunkRows })
        const expected = Array.from({ length: range.end - range.first }, (_, i) => range.first + i)
        expect(read.rows).toEqual(expected)
        expect(read.columns[0]).toEqual(expected.map(i => i / 8))
        expect(read.groups).toEqual(expected.map(i => `seg${i % 5}`))
      }),
      { numRuns: 25 },
    )
  })

  it('is the same as its parts, which a pattern names', async () => {
    const read = await readInputs({ file: at('parts/*.parquet'), ...columns })
    expect(read.columns).toEqual((await readInputs({ file: at('all.parquet'), ...columns })).columns)
    expect(read.places[7001]).toBe(`row 7001 (row 1 of ${at('parts/b.parquet')})`)
    expect(await countRows({ file: at('parts/*.parquet'), ...columns })).toBe(rows)
  })

  it('has the loss that DuckDB computes', async () => {
    const file = at('all.parquet')
    const report = await evaluate({ file, ...columns }, { losses: [{ loss: 'mse' }] })
    // The loss of a row is a float32 and the mean is exact, so DuckDB computes each row in FLOAT too.
    const [[expected] = []] = await sql(`SELECT avg((p - y::FLOAT) * (p - y::FLOAT)) FROM '${file}'`)
    expect(report.losses[0]?.value).toBeCloseTo(Number(expected), 6)
  })
})

describe('other tables', () => {
  it('JSON, line by line', async () => {
    const read = await readInputs(
      { file: at('some.jsonl'), pred: 'l', target: 'y' },
      { range: { first: 10, end: 13 } },
    )
    expect(read.columns[0]).toEqual([10, -10, 0.5, 11, -11, 0.5, 12, -12, 0.5])
    expect(read.rows).toEqual([10, 11, 12])
    expect(await countRows({ file: at('some.jsonl'), ...columns })).toBe(3000)
  })

  it('CSV files that a pattern names', async () => {
    const { columns: read } = await readInputs({ file: at('a-*.csv'), ...columns })
    expect(read[0]).toEqual(Array.from({ length: 90 }, (_, i) => i / 4))
  })

  it('queries, in their own order, with a comment and a semicolon in the end', async () => {
    const query = `SELECT range AS p, 1 AS y FROM range(5) ORDER BY range DESC; -- done`
    expect(
      (await readInputs({ sql: query.replace('; -- done', ' -- done'), ...columns })).columns[0],
    ).toEqual([4n, 3n, 2n, 1n, 0n])
    expect((await readInputs({ sql: 'SELECT 1.5 AS p, true AS y;', ...columns })).columns).toEqual([
      [1.5],
      [1],
    ])
  })

  it('several columns as the numbers of a row', async () => {
    const query = 'SELECT range::FLOAT AS z0, -range::FLOAT AS z1, range % 2 AS y FROM range(3000)'
    const { columns: read } = await readInputs({ sql: query, pred: 'z*', target: 'y' })
    expect(read[0]).toEqual(Array.from({ length: 3000 }, (_, i) => [i, -i]).flat())
  })

  it.each([
    ['TINYINT', 'int8'],
    ['SMALLINT', 'int16'],
    ['INTEGER', 'int32'],
    ['BIGINT', 'int64'],
    ['UTINYINT', 'uint8'],
    ['USMALLINT', 'uint16'],
    ['UINTEGER', 'uint32'],
    ['UBIGINT', 'int64'],
    ['FLOAT', 'float32'],
    ['DOUBLE', 'float64'],
    ['DECIMAL(9, 2)', 'float64'],
    ['BOOLEAN', 'uint8'],
  ])('%s becomes %s', async (type, dtype) => {
    const inputs = { sql: `SELECT 1::${type} AS p, 0::${type} AS y`, ...columns }
    const source = await openInputs(inputs, { wholeRows: true })
    expect(source.fields.map(field => field.dtype)).toEqual([dtype, dtype])
    await source.close()
    expect((await readInputs(inputs)).columns.map(column => column.map(Number))).toEqual([[1], [0]])
  })

  it('what is set up first', async () => {
    const sqlSetup = 'CREATE TABLE t AS SELECT 2 AS p, 3 AS y; SET threads = 1'
    expect((await readInputs({ sql: 'FROM t', sqlSetup, ...columns })).columns).toEqual([[2], [3]])
  })
})

describe('missing values', () => {
  const query = (n: number) =>
    `SELECT CASE WHEN range % 4 <> 1 THEN range::FLOAT END AS p, (range % 2)::TINYINT AS y,
      CASE WHEN range <> 6 THEN range % 3 END AS g FROM range(${n})`

  it('are an error that names column and row', async () => {
    const { message, code } = await errorOf(readInputs({ sql: query(5000), ...columns }))
    expect(code).toBe('ERR_DATA')
    expect(message).toMatch(/^--sql, column "p": row 1 has no value \(NULL\)\. --nulls skip/)
  })

  it('leave their rows out; the others keep their numbers', async () => {
    const inputs = { sql: query(5000), ...columns, by: 'g', nulls: 'skip' } as const
    const expected = Array.from({ length: 5000 }, (_, i) => i).filter(i => i % 4 !== 1 && i !== 6)
    for (const chunkRows of [undefined, 1, 7, 2048]) {
      const read = await readInputs(inputs, { chunkRows })
      expect(read.rows).toEqual(expected)
      expect(read.columns).toEqual([expected, expected.map(i => i % 2)])
      expect(read.groups).toEqual(expected.map(i => String(i % 3)))
      expect(read.places[1]).toBe('row 2')
    }
    const part = await readInputs(inputs, { range: { first: 5, end: 11 } })
    expect(part.rows).toEqual([7, 8, 10])
  })

  it('get weight 0 and the values of another row', async () => {
    for (const chunkRows of [undefined, 1, 3]) {
      const read = await readInputs({ sql: query(9), ...columns, nulls: 'zero-weight' }, { chunkRows })
      const [p, y, w] = read.columns.map(column => column.map(Number)) as [number[], number[], number[]]
      expect(w).toEqual([1, 0, 1, 1, 1, 0, 1, 1, 1])
      for (const row of [0, 2, 3, 4, 6, 7, 8]) expect([p[row], y[row]]).toEqual([row, row % 2])
      // An earlier row, whichever is at hand: what stands there must be a value that every loss takes.
      for (const row of [1, 5]) expect([0, 2, 3, 4].map(i => [i, i % 2])).toContainEqual([p[row], y[row]])
    }
    const weighted = `SELECT *, 2.5::FLOAT AS w FROM (${query(6)})`
    const inputs = { sql: weighted, ...columns, weight: 'w', nulls: 'zero-weight' } as const
    expect((await readInputs(inputs)).columns[2]).toEqual([2.5, 0, 2.5, 2.5, 2.5, 0])
  })

  it('count as rows wherever rows are counted', async () => {
    for (const nulls of [undefined, 'skip', 'zero-weight'] as const) {
      expect(await countRows({ sql: query(100), ...columns, nulls })).toBe(100)
    }
  })

  it('in lists, and lists that are missing', async () => {
    const sql = `SELECT CASE WHEN range = 2 THEN NULL WHEN range = 4 THEN [1, NULL] ELSE [range, 0] END AS p, 1 AS y FROM range(6)`
    expect((await errorOf(readInputs({ sql, ...columns }))).message).toContain('row 2 has no value')
    const { columns: read, rows } = await readInputs({ sql, ...columns, nulls: 'skip' })
    expect(read[0]?.map(Number)).toEqual([0, 0, 1, 0, 3, 0, 5, 0])
    expect(rows).toEqual([0, 1, 3, 5])
  })

  it('are not NaN, which flows', async () => {
    const sql = `SELECT 'nan'::FLOAT AS p, 1 AS y`
    const report = await evaluate({ sql, ...columns, nulls: 'skip' }, { losses: [{ loss: 'mse' }] })
    expect(report.losses[0]?.value).toBeNaN()
  })
})

describe('what cannot be read', () => {
  const refused: [string, () => Parameters<typeof readInputs>[0], string, RegExp][] = [
    [
      'no file',
      () => ({ file: at('none.parquet'), ...columns }),
      'ERR_FILE',
      /none\.parquet: cannot be read/,
    ],
    [
      'no file of a pattern',
      () => ({ file: at('x*.parquet'), ...columns }),
      'ERR_FILE',
      /x\*\.parquet: cannot be read/,
    ],
    ['a folder', () => ({ file: folder.path, ...columns }), 'ERR_FILE', /it is a folder/],
    [
      'an empty file',
      () => ({ file: folder.write('empty.parquet', ''), ...columns }),
      'ERR_DATA',
      /too small/,
    ],
    [
      'a file that is cut short',
      () => {
        const whole = readFileSync(at('all.parquet'))
        return { file: folder.write('cut.parquet', whole.subarray(0, whole.length / 2)), ...columns }
      },
      'ERR_DATA',
      /cut\.parquet: cannot be read/,
    ],
    [
      'no such column',
      () => ({ file: at('all.parquet'), pred: 'q', target: 'y' }),
      'ERR_DATA',
      /no column "q". It has "p", "y"/,
    ],
    [
      'a text',
      () => ({ file: at('all.parquet'), pred: 's', target: 'y' }),
      'ERR_DATA',
      /column "s": is of type VARCHAR/,
    ],
    [
      'a HUGEINT',
      () => ({ sql: 'SELECT 1::HUGEINT AS p, 1 AS y', ...columns }),
      'ERR_DATA',
      /HUGEINT.*x::DOUBLE/,
    ],
    [
      'lists of unlike lengths',
      () => ({
        sql: 'SELECT CASE WHEN range = 3000 THEN [1] ELSE [1, 2] END AS p, 1 AS y FROM range(4000)',
        ...columns,
      }),
      'ERR_DATA',
      /column "p": row 3000 has 1 number, the first list has 2/,
    ],
    [
      'a query that is none',
      () => ({ sql: 'SELEC 1', ...columns }),
      'ERR_USAGE',
      /--sql: Parser Error: syntax error/,
    ],
    [
      'a setup that is none',
      () => ({ sql: 'SELECT 1', sqlSetup: 'SET x = 1', ...columns }),
      'ERR_USAGE',
      /--sql-setup/,
    ],
    [
      'JSON that is none',
      () => ({ file: folder.write('bad.jsonl', '{"p":1,"y":1}\n{"p":'), ...columns }),
      'ERR_DATA',
      /line 3/,
    ],
    ['both', () => ({ sql: 'SELECT 1', file: at('all.parquet'), ...columns }), 'ERR_USAGE', /not both/],
    [
      'an unknown format',
      () => ({ file: 's3://bucket/x.bin', ...columns }),
      'ERR_USAGE',
      /does not tell its format/,
    ],
    [
      'a setting of CSV',
      () => ({ file: at('all.parquet'), ...columns, delimiter: ';' }),
      'ERR_USAGE',
      /--delimiter is for CSV files/,
    ],
  ]
  it.each(refused)('%s', async (_, inputs, code, message) => {
    const error = await errorOf(readInputs(inputs()))
    expect(error.message).toMatch(message)
    expect(error.code).toBe(code)
    expect(error.message).not.toContain('LINE 1')
  })

  it('files of a pattern with unlike types', async () => {
    mkdirSync(at('unlike'))
    await sql(`COPY (SELECT 1::FLOAT AS p, 1 AS y) TO '${at('unlike/1.parquet')}'`)
    await sql(`COPY (SELECT 1::DOUBLE AS p, 1 AS y) TO '${at('unlike/2.parquet')}'`)
    await sql(`COPY (SELECT 1 AS y) TO '${at('unlike/3.parquet')}'`)
    const { message } = await errorOf(readInputs({ file: at('unlike/[12].parquet'), ...columns }))
    expect(message).toMatch(/2\.parquet: column "p" is of type DOUBLE, in .*1\.parquet of FLOAT/)
    const none = await errorOf(readInputs({ file: at('unlike/[13].parquet'), ...columns }))
    expect(none.message).toMatch(/3\.parquet: there is no column "p"/)
  })

  it('a label out of range, whose row is named', async () => {
    const sql = 'SELECT [1, 2] AS p, CASE WHEN range = 2500 THEN 7 ELSE 1 END AS y FROM range(3000)'
    const { message } = await errorOf(evaluate({ sql, ...columns }, { losses: [{ loss: 'crossEntropy' }] }))
    expect(message).toMatch(/^--sql, column "y": row 2500: crossEntropy: target is 7/)
  })

  it('missing values by weights, where a loss takes none for rows', async () => {
    const inputs = { sql: 'SELECT [1, 2] AS p, 1 AS y', ...columns, nulls: 'zero-weight' } as const
    const { code } = await errorOf(
      Promise.resolve().then(() => evaluate(inputs, { losses: [{ loss: 'crossEntropy' }] })),
    )
    expect(code).toBe('ERR_USAGE')
  })
})

describe('a query stops when it is asked to', () => {
  // It would take most of an hour.
  const long = 'SELECT sum(a.range * b.range)::DOUBLE AS p, 1 AS y FROM range(1000000) a, range(1000000) b'

  async function expectStops(inputs: Parameters<typeof evaluate>[0], signal: AbortSignal) {
    const started = performance.now()
    const { name } = await errorOf(evaluate(inputs, { losses: [{ loss: 'mse' }] }, { signal }))
    expect(name).toBe('AbortError')
    expect(performance.now() - started).toBeLessThan(20_000)
  }

  it('before it began', async () => {
    await expectStops({ sql: long, ...columns }, AbortSignal.abort())
  })

  it.each([0, 1, 3, 10, 30, 100, 300])('after %d ms', async ms => {
    const controller = new AbortController()
    setTimeout(() => controller.abort(), ms)
    await expectStops({ sql: long, ...columns }, controller.signal)
  })

  it('while it waits for a thread', async () => {
    const database = await Database.open('A test')
    const connection = await (await DuckDBInstance.create(':memory:')).connect()
    const others = Array.from({ length: 8 }, () =>
      connection.run('SELECT sum(a.range * b.range) FROM range(10000) a, range(1000) b'),
    )
    const waiting = errorOf(database.rows('a query', long))
    await database.close()
    expect((await waiting).message).toMatch(/a query: .*[Ii]nterrupt/)
    await Promise.all(others)
  })

  it('in what is set up first', async () => {
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 50)
    const inputs = { sql: 'SELECT 1 AS p, 1 AS y', sqlSetup: `CREATE TABLE t AS ${long}`, ...columns }
    await expectStops(inputs, controller.signal)
  })
})
