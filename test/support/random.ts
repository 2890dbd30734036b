/**
 * A pseudo-random generator of integer operations only (xorshift, 32 bits), so that a seed names the same inputs on
 * every engine and architecture.
 */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) | 1
    for (let i = 0; i < 8; i++) this.bits()
  }

  /** An integer in [0, 2^32). */
  bits(): number {
    let x = this.#state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.#state = x
    return x >>> 0
  }

  /** An integer in [0, below). */
  integer(below: number): number {
    return Math.floor(this.uniform() * below)
  }

  /** A multiple of 2^-32 in [0, 1). */
  uniform(): number {
    return this.bits() * 2 ** -32
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.uniform()
  }

  /** Nearly a standard normal: the sum of twelve uniforms, without a function whose bits an engine may choose. */
  normal(): number {
    let sum = -6
    for (let i = 0; i < 12; i++) sum += this.uniform()
    return sum
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.integer(items.length)]
    if (item === undefined) throw new Error('pick from an empty list')
    return item
  }

  list(length: number, next: () => number): number[] {
    return Array.from({ length }, next)
  }

  /** A new array with the items in random order (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const shuffled = [...items]
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.integer(i + 1)
      const a = shuffled[i] as T
      shuffled[i] = shuffled[j] as T
      shuffled[j] = a
    }
    return shuffled
  }

  /** Cuts [0, length) into at most `parts` consecutive ranges, some of which may be empty. */
  cut(length: number, parts: number): [start: number, end: number][] {
    const cuts = this.list(parts - 1, () => this.integer(length + 1)).sort((a, b) => a - b)
    const edges = [0, ...cuts, length]
    return edges.slice(1).map((end, i) => [edges[i] as number, end])
  }
}

/** Any float32 by its bits: every exponent, both signs, subnormals; infinities and NaN only if asked for. */
export function anyFloat32(random: Random, special = false): number {
  for (;;) {
    const value = float32OfBits(random.bits())
    if (special || Number.isFinite(value)) return value
  }
}

/** Any float64 by its bits. */
export function anyFloat64(random: Random, special = false): number {
  for (;;) {
    const value = float64OfBits(random.bits(), random.bits())
    if (special || Number.isFinite(value)) return value
  }
}

const view = new DataView(new ArrayBuffer(8))

export function float32OfBits(bits: number): number {
  view.setUint32(0, bits)
  return view.getFloat32(0)
}

export function float64OfBits(high: number, low: number): number {
  view.setUint32(0, high)
  view.setUint32(4, low)
  return view.getFloat64(0)
}
