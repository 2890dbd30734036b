import { DataError, FileError, UsageError } from '../../errors.ts'

const about = {
  file: /^(IO|HTTP|Extension Autoloading|Missing Extension|Permission) Error/,
  query: /^(Parser|Binder|Catalog|Syntax) Error/,
  memory: /^Out of Memory Error/,
}

/** What DuckDB says, in one line and with the name of what it was reading. */
export function duckdbError(name: string, error: unknown): unknown {
  if (!(error instanceof Error) || 'code' in error) return error
  // The parts after the first are the query and help for it.
  const [first = ''] = error.message.split('\n\n')
  const text = first
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ')
    .replace(/[.:]?$/, '.')
  const options = { cause: error }
  if (/httpfs/.test(text)) {
    return new FileError(
      `${name}: cannot be read: DuckDB reads such addresses with its extension httpfs, which could not be loaded. ` +
        `Install it once where there is a network: duckdb -c "INSTALL httpfs". DuckDB says: ${text}`,
      options,
    )
  }
  if (about.memory.test(text)) {
    const hint = `--sql-setup "SET memory_limit = '4GB'" gives it more.`
    return new DataError(`${name}: takes more memory than DuckDB is given: ${text} ${hint}`, options)
  }
  if (about.query.test(text)) return new UsageError(`${name}: ${text}`, options)
  const Kind = about.file.test(text) ? FileError : DataError
  return new Kind(`${name}: cannot be read: ${text}`, options)
}
