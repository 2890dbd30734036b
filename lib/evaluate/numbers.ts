const finite = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/
const special = /^([+-]?)(?:(nan)|inf|infinity)$/i

/** A number as programs write it in text: decimal, or nan, inf and infinity in any case. Undefined for anything else. */
export function parseNumber(text: string): number | undefined {
  if (finite.test(text)) return Number(text)
  const found = special.exec(text)
  if (found === null) return undefined
  if (found[2] !== undefined) return Number.NaN
  return found[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
}
