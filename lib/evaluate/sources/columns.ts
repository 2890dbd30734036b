import { DataError, UsageError } from '../errors.ts'
import { listing } from './regular-file.ts'

/**
 * Positions of the columns that `spec` names: a name, an index counted from 0, several of them with commas between, or a
 * prefix pattern such as `z*`. A column whose name is the whole text wins over every other reading of it.
 */
export function selectColumns(file: string, header: readonly string[], spec: string): readonly number[] {
  const exact = byName(file, header, spec)
  if (exact !== undefined) return [exact]
  const parts = spec.split(',').map(part => part.trim())
  if (parts.some(part => part === '')) {
    throw new UsageError(`${file}: "${spec}" does not name a column.`)
  }
  const picked = parts.flatMap(part => selectPart(file, header, part))
  const twice = picked.find((column, i) => picked.indexOf(column) !== i)
  if (twice !== undefined) {
    throw new UsageError(`${file}: "${spec}" takes the column "${header[twice]}" twice.`)
  }
  return picked
}

/** Position of the one column that `spec` names. */
export function selectColumn(file: string, header: readonly string[], spec: string): number {
  const [column = 0, ...more] = selectColumns(file, header, spec)
  if (more.length > 0) throw new UsageError(`${file}: "${spec}" names several columns. It takes one.`)
  return column
}

function selectPart(file: string, header: readonly string[], part: string): readonly number[] {
  const exact = byName(file, header, part)
  if (exact !== undefined) return [exact]
  if (part.endsWith('*')) return byPrefix(file, header, part.slice(0, -1))
  if (/^\d+$/.test(part)) {
    if (Number(part) < header.length) return [Number(part)]
    throw new DataError(`${file}: there is no column ${part}. It has ${header.length}, counted from 0.`)
  }
  throw new DataError(`${file}: there is no column "${part}". ${listing(header)}`)
}

function byName(file: string, header: readonly string[], name: string): number | undefined {
  const first = header.indexOf(name)
  if (first < 0) return undefined
  if (header.lastIndexOf(name) !== first) {
    throw new DataError(
      `${file}: several columns are called "${name}". Choose one by its index, counted from 0.`,
    )
  }
  return first
}

/**
 * The columns of a pattern are the classes of a row, so their order matters: z0, z1, z10, z2 in a file would be a wrong
 * order. Numbers after the prefix give the order, and must be complete.
 */
function byPrefix(file: string, header: readonly string[], prefix: string): readonly number[] {
  const found = header.flatMap((name, column) =>
    name.startsWith(prefix) ? [{ column, suffix: name.slice(prefix.length) }] : [],
  )
  if (found.length === 0)
    throw new DataError(`${file}: no column begins with "${prefix}". ${listing(header)}`)
  const numbered = found.filter(({ suffix }) => /^\d+$/.test(suffix))
  if (numbered.length === 0) return found.map(({ column }) => column)
  numbered.sort((a, b) => Number(a.suffix) - Number(b.suffix))
  const first = Number(numbered[0]?.suffix)
  if (numbered.length < found.length || numbered.some(({ suffix }, i) => Number(suffix) !== first + i)) {
    const names = found.map(({ column }) => header[column]).slice(0, 8)
    throw new DataError(
      `${file}: the columns that begin with "${prefix}" are not numbered without gaps (${names.join(', ')}). ` +
        'List them, in the order of the classes: --pred "a,b,c".',
    )
  }
  return numbered.map(({ column }) => column)
}

/** The chosen columns, for people. */
export function columnText(names: readonly string[], columns: readonly number[]): string {
  const [first = 0] = columns
  if (columns.length === 1) return `column "${names[first]}"`
  return `columns "${names[first]}" to "${names[columns.at(-1) ?? 0]}"`
}
