// Predicts the delays of a million flights from airport and hour, and evaluates three predictors with losses in SQL: those
// that SQL can compute itself, which checks ours, and those that it cannot. Then the command evaluates a file of the same
// predictions, whole and in shards, and must find the same numbers to the last bit.
//
//   npm run example:flights

import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import { registerLosses } from 'losskit/duckdb'
import { predict, predictors } from './flights/predictions.mjs'
import { losskit, quietly } from './shared/command.mjs'
import { heading, table } from './shared/table.mjs'

const instance = await DuckDBInstance.create(':memory:')
const connection = await instance.connect()
await registerLosses(connection)
await predict(connection)

/** @param {string} sql */
const numbers = async sql =>
  (await connection.runAndReadAll(`SELECT ${sql} FROM predictions`)).getRows()[0].map(Number)
const names = Object.keys(predictors)

/** Each loss, and how SQL writes it. */
const losses = {
  'mse(p, delay)': '(p - delay) ** 2',
  'mae(p, delay)': 'abs(p - delay)',
  'huber(p, delay, 15)': 'IF(abs(p - delay) < 15, (p - delay) ** 2 / 2, 15 * (abs(p - delay) - 7.5))',
  'quantileLoss(p, delay, 0.9)': 'greatest(0.9 * (delay - p), 0.1 * (p - delay))',
  'logCosh(p, delay)': 'ln(cosh(p - delay))',
}

/** Of the median, with all digits. @type {Map<string, number>} */
const medians = new Map()
const [count] = await numbers('count(*)')
const rows = []
const checks = []
for (const [loss, form] of Object.entries(losses)) {
  /** The same expression for each predictor. @param {string} expression */
  const each = expression => names.map(name => expression.replaceAll(/\bp\b/g, `"${name}"`))
  const exact = await numbers(`${each(`exact_avg(list(${loss}))`)}`)
  const own = await numbers(`${each(`avg(${form})`)}`)
  const best = exact.indexOf(Math.min(...exact))
  medians.set(loss, exact[names.indexOf('median')])
  rows.push([loss, ...exact.map(value => value.toFixed(4)), names[best]])
  checks.push([loss, exact[0], own[0], Math.abs(own[0] / exact[0] - 1).toExponential(0)])
}

heading(`Delays of ${count} flights in minutes, predicted three ways: mean losses`)
table(['loss', ...names, 'best'], rows)

heading('The mean predictor: exact, and as DuckDB computes it by itself')
table(['loss', 'losskit', 'avg of DuckDB', 'difference'], checks)

heading('The median predictor: the same losses of a Parquet file')
const output = new URL('./output/', import.meta.url)
mkdirSync(output, { recursive: true })
await connection.run(`COPY predictions TO '${fileURLToPath(output)}flights.parquet'`)
const columns = ['flights.parquet', '--pred', 'median', '--target', 'delay']
const asked = ['mse', 'mae', 'huber', 'quantile', 'logCosh'].flatMap(loss => ['--loss', loss])
const question = [...columns, ...asked, '--delta', '15', '--tau', '0.9']
const whole = losskit(['evaluate', ...question], output)

const shards = [1, 2, 3].map(i => `flights-${i}.part`)
for (const [i, part] of shards.entries()) {
  quietly(['evaluate', ...question, '--shard', `${i + 1}/3`, '--partial', part], output)
}
const merged = losskit(['merge', ...shards], output)

const busiest = `SELECT * FROM 'flights.parquet' WHERE origin IN ('ATL', 'DFW', 'ORD')`
losskit(['evaluate', '--sql', busiest, ...columns.slice(1), '--loss', 'mae', '--by', 'origin'], output)

heading('The same numbers, from SQL, from a file and from shards')
let same = true
for (const [i, [call, inSql]] of [...medians].entries()) {
  const [[loss, ofFile], [, ofShards]] = [[...whole][i], [...merged][i]]
  const equal = Object.is(inSql, ofFile) && Object.is(inSql, ofShards)
  same &&= equal
  console.log(`${loss.padEnd(10)} ${equal ? '✓ every bit' : `✗ ${call}: ${inSql}, ${ofFile}, ${ofShards}`}`)
}
if (!same) console.error('SQL, the command and the shards disagree.')
process.exitCode = same ? 0 : 1
