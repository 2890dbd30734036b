/**
 * Fresh random data, fast enough for hundreds of millions of numbers: Marsaglia's xorshift on 32 bits, seeded by the clock,
 * so that no run measures the last run's branches.
 *
 * @param {number} [seed]
 */
export function generator(seed = Date.now()) {
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
    /** Class indices. @param {number} length @param {number} classes */
    labels(length, classes) {
      const array = new Int32Array(length)
      for (let i = 0; i < length; i++) array[i] = next() % classes
      return array
    },
  }
}
