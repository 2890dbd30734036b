/** A number for reading. Its place should offer all digits, too. */
export function short(value: number, digits = 5): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞'
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) {
    const [factor = '', exponent = ''] = value.toExponential(Math.min(digits, 4) - 1).split('e')
    return `${factor}·10${superscript(Number(exponent))}`.replace('-', '−')
  }
  return value.toLocaleString('en', { maximumSignificantDigits: digits }).replace('-', '−')
}

/** A quantile, which is known to one part in 256. */
export function rough(value: number): string {
  return short(value, 3)
}

/** A count, with separators. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en')
}

export function percent(part: number): string {
  return `${(100 * part).toLocaleString('en', { maximumSignificantDigits: 4 })} %`
}

export function bytes(size: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(size, 1)) / 3))
  return power === 0 ? `${whole(size)} bytes` : `${(size / 1000 ** power).toPrecision(3)} ${units[power]}`
}

function superscript(exponent: number): string {
  return String(exponent).replace(/./g, char => (char === '-' ? '⁻' : ('⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(char)] ?? '')))
}
