/** A number for reading: about five digits. Its place should offer all of them, too. */
export function short(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞'
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) {
    const [digits = '', exponent = ''] = value.toExponential(3).split('e')
    return `${digits}·10${superscript(Number(exponent))}`.replace('-', '−')
  }
  const options = { maximumSignificantDigits: 5 } as const
  return value.toLocaleString('en', options).replace('-', '−')
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
