// Predicts the delays of a million flights from airport and hour, and evaluates three predictors with losses in SQL: those
// that SQL can compute itself, which checks ours, and those that it cannot.
//
//   npm run example:flights

import { DuckDBInstance } from '@duckdb/node-api'
import { registerLosses } from 'losskit/duckdb'
import { predict, predictors } from './flights/predictions.mjs'
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

const [count] = await numbers('count(*)')
const rows = []
const checks = []
for (const [loss, form] of Object.entries(losses)) {
  /** The same expression for each predictor. @param {string} expression */
  const each = expression => names.map(name => expression.replaceAll(/\bp\b/g, `"${name}"`))
  const exact = await numbers(`${each(`exact_avg(list(${loss}))`)}`)
  const own = await numbers(`${each(`avg(${form})`)}`)
  const best = exact.indexOf(Math.min(...exact))
  rows.push([loss, ...exact.map(value => value.toFixed(4)), names[best]])
  checks.push([loss, exact[0], own[0], Math.abs(own[0] / exact[0] - 1).toExponential(0)])
}

heading(`Delays of ${count} flights in minutes, predicted three ways: mean losses`)
table(['loss', ...names, 'best'], rows)

heading('The mean predictor: exact, and as DuckDB computes it by itself')
table(['loss', 'losskit', 'avg of DuckDB', 'difference'], checks)
