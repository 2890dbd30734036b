import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DuckDBConnection, DuckDBResult, DuckDBValue } from '@duckdb/node-api'
import { type Engine, engine } from '../../../duckdb/engine.ts'
import { duckdbError } from './errors.ts'

/** More is only needed by queries that sort or join, and those may use the disk. */
const settings = { memory_limit: '512MB' }

/** A database in memory, through which files are read. */
export class Database {
  readonly engine: Engine
  readonly #connection: DuckDBConnection
  readonly #dispose: () => void
  readonly #pending = new Set<Promise<unknown>>()
  #closing: Promise<void> | undefined

  private constructor(engine: Engine, connection: DuckDBConnection, dispose: () => void) {
    this.engine = engine
    this.#connection = connection
    this.#dispose = dispose
  }

  /**
   * @param setup  statements that are run first: settings, secrets, extensions
   * @param signal  closes the database
   */
  static async open(what: string, setup?: string, signal?: AbortSignal): Promise<Database> {
    const loaded = await engine(what)
    const temp_directory = join(tmpdir(), `losskit-duckdb-${process.pid}`)
    const instance = await loaded.api.DuckDBInstance.create(':memory:', { ...settings, temp_directory })
    const connection = await instance.connect()
    const abort = () => void database.close()
    const database = new Database(loaded, connection, () => {
      signal?.removeEventListener('abort', abort)
      connection.closeSync()
      instance.closeSync()
    })
    signal?.addEventListener('abort', abort, { once: true })
    try {
      signal?.throwIfAborted()
      if (setup !== undefined) await database.wait('--sql-setup', () => connection.run(setup))
      return database
    } catch (error) {
      await database.close()
      signal?.throwIfAborted()
      throw error
    }
  }

  /** The names and types of the columns of what stands after FROM. */
  async describe(
    name: string,
    from: string,
  ): Promise<ReadonlyMap<string, string> & { readonly names: readonly string[] }> {
    const rows = await this.rows(name, `DESCRIBE SELECT * FROM ${from}`)
    const names = rows.map(([column]) => String(column))
    return Object.assign(new Map(rows.map(([column, type]) => [String(column), String(type)])), { names })
  }

  /** All rows of a small result. */
  async rows(name: string, sql: string): Promise<DuckDBValue[][]> {
    return this.wait(name, async () => (await this.#connection.runAndReadAll(sql)).getRows())
  }

  async stream(name: string, sql: string): Promise<DuckDBResult> {
    return this.wait(name, () => this.#connection.stream(sql))
  }

  /** Waits for DuckDB, and puts `name` before what it complains about. */
  async wait<T>(name: string, work: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) throw new Error('the database is closed')
    const promise = work()
    this.#pending.add(promise)
    try {
      return await promise
    } catch (error) {
      throw duckdbError(name, error)
    } finally {
      this.#pending.delete(promise)
    }
  }

  /** Interrupts what is running, waits for it to end, and closes. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const interrupt = () => this.#connection.interrupt()
    if (this.#pending.size > 0) interrupt()
    // What waits for a thread begins as if nothing had been said before, so it is said again.
    const again = setInterval(interrupt, 10)
    await Promise.allSettled(this.#pending)
    clearInterval(again)
    this.#dispose()
  }
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

export function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}
