import type { DuckDBConnection } from '@duckdb/node-api'
import { LosskitOptionError } from '../errors.ts'
import { engine } from './engine.ts'
import { exactFunctions } from './exact.ts'
import { sqlLosses } from './functions.ts'
import { lossFunction } from './loss-function.ts'
import { DOUBLE, FLOAT } from './vectors.ts'

export interface RegisterOptions {
  /** The losses to be registered; all whose values belong to one row each, if none are named. */
  readonly names?: readonly string[] | undefined
  /** What their names in SQL begin with, where they would meet others; nothing by default. */
  readonly prefix?: string | undefined
}

/**
 * Makes losses functions of SQL, for all connections of the instance of this one, and with them `exact_sum` and `exact_avg`.
 *
 * A function takes the inputs of its loss and then its options in their order, as many as are given:
 * `huber(pred, target, 2)`. FLOATs are computed in float32 and DOUBLEs in float64, with the bits of the loss itself.
 *
 * @throws ERR_PEER where the package `@duckdb/node-api` is not installed; ERR_OPTION for a name that is none
 * @example
 * await registerLosses(connection)
 * await connection.run('SELECT segment, avg(huber(pred, target, 2)) FROM predictions GROUP BY segment')
 */
export async function registerLosses(
  connection: DuckDBConnection,
  { names, prefix = '' }: RegisterOptions = {},
): Promise<void> {
  const unknown = names?.find(name => !sqlLosses.some(loss => loss.name === name))
  if (unknown !== undefined) {
    const known = sqlLosses.map(({ name }) => name).join(', ')
    throw new LosskitOptionError(
      `registerLosses: names has '${unknown}'. Losses that can be functions of SQL are ${known}.`,
    )
  }
  const duckdb = await engine('Losses in SQL')
  for (const loss of sqlLosses) {
    if (names !== undefined && !names.includes(loss.name)) continue
    const named = { ...loss, sqlName: prefix + loss.sqlName }
    for (let taken = 0; taken <= loss.options.length; taken++) {
      for (const type of [FLOAT, DOUBLE]) {
        connection.registerScalarFunction(lossFunction(duckdb, named, loss.options.slice(0, taken), type))
      }
    }
  }
  for (const made of exactFunctions(duckdb, prefix)) connection.registerScalarFunction(made)
}
