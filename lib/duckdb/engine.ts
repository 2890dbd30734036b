import { createRequire } from 'node:module'
import { peer } from '../evaluate/peer.ts'

/** The client of DuckDB, and the calls below it that give vectors as bytes. */
export interface Engine {
  readonly api: typeof import('@duckdb/node-api')
  readonly raw: typeof import('@duckdb/node-bindings')
}

/** @param what  needs it, for the message where it is not installed */
export async function engine(what: string): Promise<Engine> {
  const api = await peer<Engine['api']>('@duckdb/node-api', what)
  // A dependency of the client, which is found from there: not every package manager puts it where we could find it too.
  const client = createRequire(import.meta.url).resolve('@duckdb/node-api')
  const raw = createRequire(client)('@duckdb/node-bindings') as Engine['raw']
  return { api, raw }
}
