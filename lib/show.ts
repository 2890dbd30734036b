import { kindOf } from './tensor/dtype.ts'

/** A value as an error message names it: short, and without running any code of the value's own. */
export function show(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value.length > 40 ? `'${value.slice(0, 40)}…'` : `'${value}'`
    case 'bigint':
      return `${value}n`
    case 'function':
      return 'a function'
    case 'symbol':
      return 'a symbol'
    case 'object':
      return value === null ? 'null' : showObject(value)
    default:
      return String(value)
  }
}

function showObject(value: object): string {
  const kind = kindOf(value)
  if (kind !== undefined) return `a ${kind}`
  if (Array.isArray(value)) return 'an array'
  return value instanceof DataView ? 'a DataView' : 'an object'
}

/** `[2, 3]` */
export function showShape(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`
}

/** `a`, `a and b`, `a, b and c` */
export function showList(names: readonly string[], last = 'and'): string {
  if (names.length < 2) return names.join()
  return `${names.slice(0, -1).join(', ')} ${last} ${names[names.length - 1]}`
}
