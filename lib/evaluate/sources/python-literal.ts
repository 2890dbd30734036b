/**
 * The part of Python's literals that can stand in the header of a .npy file: strings, whole numbers, True, False, None,
 * tuples, lists and dictionaries. It is read here character by character and never evaluated.
 */
export type Literal = string | number | boolean | null | readonly Literal[] | ReadonlyMap<string, Literal>

export class LiteralError extends Error {}

/** Deeper than any dtype NumPy writes, shallow enough for any stack. */
const deepest = 32

export function parseLiteral(text: string): Literal {
  const reader = new Reader(text)
  const value = reader.value(0)
  reader.end()
  return value
}

class Reader {
  private at = 0
  private readonly text: string

  constructor(text: string) {
    this.text = text
  }

  value(depth: number): Literal {
    if (depth > deepest) throw this.fault('values are nested too deeply')
    this.space()
    const char = this.text[this.at]
    if (char === "'" || char === '"') return this.string(char)
    if (char === '{') return this.dictionary(depth)
    if (char === '(') return this.tuple(depth)
    if (char === '[') return this.list(depth)
    return this.word()
  }

  end(): void {
    this.space()
    if (this.at < this.text.length) throw this.fault('something follows the dictionary')
  }

  private string(quote: string): string {
    const start = this.at + 1
    const stop = this.text.indexOf(quote, start)
    if (stop < 0) throw this.fault('a string is not closed')
    const value = this.text.slice(start, stop)
    if (value.includes('\\')) throw this.fault('a string holds an escape')
    this.at = stop + 1
    return value
  }

  private word(): Literal {
    const word = /[A-Za-z0-9+-]*/y
    word.lastIndex = this.at
    const found = word.exec(this.text)?.[0] ?? ''
    if (found === '')
      throw this.fault(this.at < this.text.length ? 'unexpected character' : 'it ends too early')
    let value: Literal
    if (found === 'True') value = true
    else if (found === 'False') value = false
    else if (found === 'None') value = null
    // Python 2 marked its long integers with an L, also in shapes.
    else if (/^[+-]?\d{1,20}L?$/.test(found)) value = Number(found.replace('L', ''))
    else throw this.fault('unexpected word')
    this.at += found.length
    return value
  }

  private dictionary(depth: number): ReadonlyMap<string, Literal> {
    const entries = new Map<string, Literal>()
    this.items('}', () => {
      const key = this.value(depth + 1)
      if (typeof key !== 'string') throw this.fault('a key is not a string')
      if (entries.has(key)) throw this.fault('a key is given twice')
      this.expect(':')
      entries.set(key, this.value(depth + 1))
    })
    return entries
  }

  private list(depth: number): readonly Literal[] {
    const values: Literal[] = []
    this.items(']', () => values.push(this.value(depth + 1)))
    return values
  }

  /** `(3,)` is a tuple, `(3)` is the number in brackets. */
  private tuple(depth: number): Literal {
    const values: Literal[] = []
    const commas = this.items(')', () => values.push(this.value(depth + 1)))
    const [only] = values
    return values.length === 1 && commas === 0 && only !== undefined ? only : values
  }

  /** Reads what stands between brackets, item by item, and returns the number of commas. */
  private items(close: string, item: () => void): number {
    this.at++
    for (let commas = 0; ; commas++) {
      this.space()
      if (this.take(close)) return commas
      item()
      this.space()
      if (this.take(close)) return commas
      this.expect(',')
    }
  }

  private take(char: string): boolean {
    if (this.text[this.at] !== char) return false
    this.at++
    return true
  }

  private expect(char: string): void {
    this.space()
    if (!this.take(char)) throw this.fault(`'${char}' is missing`)
  }

  private space(): void {
    while (/\s/.test(this.text[this.at] ?? '')) this.at++
  }

  private fault(what: string): LiteralError {
    return new LiteralError(`${what} at character ${this.at}`)
  }
}
