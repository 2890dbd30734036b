import { peer } from '../evaluate/peer.ts'

/** The client of DuckDB, and the calls below it that give vectors as bytes. */
export interface Engine {
  readonly api: typeof import('@duckdb/node-api')
  readonly raw: typeof import('@duckdb/node-bindings')
}

/** @param what  needs it, for the message where it is not installed */
export async function engine(what: string): Promise<Engine> {
  const api = await peer<Engine['api']>('@duckdb/node-api', what)
  const { default: raw } = await peer<{ default: Engine['raw'] }>('@duckdb/node-bindings', what)
  return { api, raw }
}
