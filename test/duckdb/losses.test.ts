import type { DuckDBConnection } from '@duckdb/node-api'
import { beforeAll, describe, expect, it } from 'vitest'
import { type SqlLoss, type SqlOption, sqlLosses } from '../../lib/duckdb/functions.ts'
import { registerLosses } from '../../lib/duckdb/index.ts'
import { connect, number, numbers, rows } from './database.ts'

const MILLION = 1_000_000

let connection: DuckDBConnection

/** p and q lie in (0, 1), x and y in (−4, 4), label is −1 or 1, all from DuckDB's own hash of the number of the row. */
beforeAll(async () => {
  connection = await connect()
  expect(await taken()).toEqual([])
  await registerLosses(connection)
  const uniform = (seed: number) => `(hash(i + ${seed}) % 1000003 + 0.5) / 1000003::DOUBLE`
  await connection.run(`CREATE TABLE data AS
    SELECT i, p, q, 8 * r - 4 AS x, 8 * s - 4 AS y, IF(p < q, -1, 1) AS label FROM (
      SELECT i, ${uniform(0)} AS p, ${uniform(1e9)} AS q, ${uniform(2e9)} AS r, ${uniform(3e9)} AS s
      FROM range(${MILLION}) t(i))`)
})

/** Names of losses in SQL that DuckDB itself has given away. */
async function taken() {
  const names = sqlLosses.map(({ sqlName }) => `'${sqlName.toLowerCase()}'`)
  return rows(
    connection,
    `SELECT function_name FROM duckdb_functions() WHERE lower(function_name) IN (${names})`,
  )
}

/** Columns that are in the domain of every loss, by the names of inputs. */
const columnOf = ({ name }: SqlLoss, input: string) =>
  input === 'label' || (/hinge$/i.test(name) && input === 'target') ? 'label' : input === 'target' ? 'q' : 'p'

const given: Record<SqlOption['type'], unknown> = { input: 3, number: 0.75, boolean: true, string: '±1' }
const literal = (value: unknown) => (typeof value === 'string' ? `'${value}'` : String(value))

it('are all losses that look at one row alone', () => {
  expect(sqlLosses.map(({ name }) => name).sort()).toEqual([
    ...['bce', 'bceWithLogits', 'gaussianNll', 'hinge', 'hingeEmbedding', 'huber', 'klDiv', 'logCosh', 'mae'],
    ...['mape', 'marginRanking', 'mbe', 'mse', 'msle', 'poissonNll', 'quantile', 'sigmoidFocal', 'smoothL1'],
    ...['softMargin', 'squaredHinge'],
  ])
})

describe.each(sqlLosses.map(loss => [loss.sqlName, loss] as const))('%s', (sqlName, loss) => {
  for (const taken of Array(loss.options.length + 1).keys()) {
    const options = loss.options.slice(0, taken).map(({ name, type }) => [name, given[type]] as const)
    for (const type of ['FLOAT', 'DOUBLE']) {
      it(`has the bits of the library, of ${type}s, with ${taken} options`, async () => {
        const columns = loss.inputs.map(input => `${columnOf(loss, input)}::${type}`)
        const call = `${sqlName}(${[...columns, ...options.map(([, value]) => literal(value))]})`
        const from = 'FROM data WHERE i < 5000 ORDER BY i'
        expect(await rows(connection, `SELECT DISTINCT typeof(${call}) FROM data`)).toEqual([[type]])

        const column = async (text: string) => {
          const values = (await numbers(connection, `SELECT ${text} ${from}`)) as number[]
          return type === 'FLOAT' ? Float32Array.from(values) : Float64Array.from(values)
        }
        const inputs = await Promise.all(columns.map(column))
        const spread = (value: unknown) => (value === 3 ? inputs[0]?.map(() => 3) : value)
        const own = options.map(([name, value]) => [name, spread(value)])
        expect(await column(call)).toEqual(loss.values(inputs, Object.fromEntries(own)))
      })
    }
  }
})

/** What DuckDB computes with its own functions. */
const closedForms = {
  'mse(x, y)': '(x - y) ** 2',
  'mbe(x, y)': 'y - x',
  'mae(x, y)': 'abs(x - y)',
  'huber(x, y, 2)': 'IF(abs(x - y) < 2, (x - y) ** 2 / 2, 2 * (abs(x - y) - 1))',
  'smoothL1(x, y, 0.5)': 'IF(abs(x - y) < 0.5, (x - y) ** 2, abs(x - y) - 0.25)',
  'logCosh(x, y)': 'ln(cosh(x - y))',
  'mape(x, y)': '100 * abs(x - y) / greatest(abs(y), 1e-7)',
  'msle(p, q)': '(ln(1 + p) - ln(1 + q)) ** 2',
  'quantileLoss(x, y, 0.9)': 'greatest(0.9 * (y - x), 0.1 * (x - y))',
  'bce(p, q)': '-q * ln(p) - (1 - q) * ln(1 - p)',
  'bceWithLogits(x, q, 3)': '(1 - q) * ln(1 + exp(x)) + 3 * q * ln(1 + exp(-x))',
  'hinge(x, label)': 'greatest(0, 1 - label * x)',
  "hinge(x, (label > 0)::INT, '01')": 'greatest(0, 1 - label * x)',
  'squaredHinge(x, label)': 'greatest(0, 1 - label * x) ** 2',
  'softMargin(x, label)': 'ln(1 + exp(-label * x))',
  'hingeEmbedding(p, label, 0.5)': 'IF(label = 1, p, greatest(0, 0.5 - p))',
  'marginRanking(x, y, label, 0.1)': 'greatest(0, 0.1 - label * (x - y))',
  'poissonNll(x, q)': 'exp(x) - q * x',
  'poissonNll(p, q, false)': 'p - q * ln(p + 1e-8)',
  'gaussianNll(x, y, p)': '(ln(greatest(p, 1e-6)) + (x - y) ** 2 / greatest(p, 1e-6)) / 2',
  'gaussianNll(x, y, p, true, 0.1)':
    '(ln(2 * pi() * greatest(p, 0.1)) + (x - y) ** 2 / greatest(p, 0.1)) / 2',
  'klDiv(x, q)': 'q * (ln(q) - x)',
  'klDiv(x, y, true)': 'exp(y) * (y - x)',
  'sigmoidFocal(x, (label > 0)::INT, 0.25, 2)':
    'IF(label > 0, -0.25 * (1 - 1 / (1 + exp(-x))) ** 2 * ln(1 / (1 + exp(-x))), -0.75 / (1 + exp(-x)) ** 2 * ln(1 - 1 / (1 + exp(-x))))',
}

it.each(Object.entries(closedForms))('%s is %s, in a million rows', async (call, form) => {
  // The closed form has rounding errors of its own where its terms cancel: absolute ones, relative to its inputs.
  const worst = `SELECT max(abs(${call} - (${form})) / (1 + abs(${form}))) FROM data`
  expect(await number(connection, worst)).toBeLessThan(1e-14)
  expect(await number(connection, `SELECT count(DISTINCT ${call}) FROM data`)).toBeGreaterThan(1000)
})
