/**
 * Fresh random data, fast enough for hundreds of millions of numbers: Marsaglia's xorshift on 32 bits, seeded by the clock,
 * so that no run measures the last run's branches.
 *
 * @param {number} [seed]
 */
export function generator(seed = Date.now() ^ (Math.random() * 2 ** 32)) {
  let state = seed | 0 || 1
  const next = () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
  for (let i = 0; i < 16; i++) next()

  return {
    /** Uniform in [low, high). @param {number} length @param {number} low @param {number} high */
    floats(length, low, high) {
      const array = new Float32Array(length)
      const scale = (high - low) / 2 ** 32
      for (let i = 0; i < length; i++) array[i] = low + next() * scale
      return array
    },
    /** One of two numbers. @param {number} length @param {number} one @param {number} other */
    either(length, one, other) {
      const array = new Float32Array(length)
      for (let i = 0; i < length; i++) array[i] = next() < 2 ** 31 ? one : other
      return array
    },
    /** From `least` to below `end`. @param {number} length @param {number} least @param {number} end */
    integers(length, least, end) {
      const array = new Int32Array(length)
      for (let i = 0; i < length; i++) array[i] = least + (next() % (end - least))
      return array
    },
  }
}

/** @typedef {ReturnType<typeof generator>} Random */
