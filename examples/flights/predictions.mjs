import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** 3 000 000 flights in the USA, January to June 2001, of the npm package `vega-datasets` (US Bureau of Transportation Statistics). */
const flights = join(
  dirname(fileURLToPath(import.meta.resolve('vega-datasets'))),
  '../data/flights-3m.parquet',
)

/** What is known of an airport and an hour of the day from the first four months. */
export const predictors = {
  mean: 'avg(delay)',
  median: 'median(delay)',
  'upper tenth': 'quantile_cont(delay, 0.9)',
}

/**
 * The table `predictions`: flights from May on with the delay that each predictor says.
 *
 * @param {import('@duckdb/node-api').DuckDBConnection} connection
 */
export async function predict(connection) {
  const columns = Object.entries(predictors).map(([name, fit]) => `${fit}::DOUBLE AS "${name}"`)
  await connection.run(`CREATE TABLE predictions AS
    WITH flights AS (SELECT *, hour(date) AS hour FROM '${flights}'),
      known AS (SELECT origin, hour, ${columns} FROM flights WHERE date < '2001-05-01' GROUP BY ALL)
    SELECT known.*, delay FROM flights JOIN known USING (origin, hour) WHERE date >= '2001-05-01'`)
}
