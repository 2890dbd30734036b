import { type DuckDBConnection, DuckDBInstance, type Json } from '@duckdb/node-api'

/** A connection to a database in memory. */
export async function connect(): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(':memory:')
  return instance.connect()
}

export async function rows(connection: DuckDBConnection, query: string): Promise<Json[][]> {
  return (await connection.runAndReadAll(query)).getRowsJson()
}

export async function numbers(connection: DuckDBConnection, query: string): Promise<(number | null)[]> {
  return (await connection.runAndReadAll(query)).getRows().map(([first]) => first as number | null)
}

export async function number(
  connection: DuckDBConnection,
  query: string,
): Promise<number | null | undefined> {
  return (await numbers(connection, query))[0]
}
