/** JSON with sorted keys: equal values have equal text. It knows no infinities, so they are written as their names. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === 'number' && !Number.isFinite(part)) return String(part)
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}

/** A value with the names of infinities read back, wherever they stand in it. */
export function withInfinities<T>(value: T): T {
  return JSON.parse(canonical(value), (_, part: unknown) =>
    part === 'NaN' || part === 'Infinity' || part === '-Infinity' ? Number(part) : part,
  ) as T
}
