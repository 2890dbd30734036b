import { peer } from '../evaluate/peer.ts'

/** The client of DuckDB, and the calls below it that give vectors as bytes. */
export interface Engine {
  readonly api: typeof import('@duckdb/node-api')
  readonly raw: typeof import('@duckdb/node-bindings')
}

export async function engine(): Promise<Engine> {
  const what = 'Losses in SQL'
  const api = await peer<Engine['api']>('@duckdb/node-api', what)
  const { default: raw } = await peer<{ default: Engine['raw'] }>('@duckdb/node-bindings', what)
  return { api, raw }
}
