/**
 * Numbers from 0 to 1 that are the same for the same seed (a multiply-and-shift mixer over a counter).
 *
 * @param {number} seed
 * @returns {() => number}
 */
export function random(seed) {
  let counter = seed
  return () => {
    counter = (counter + 0x9e3779b9) | 0
    let mixed = Math.imul(counter ^ (counter >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32
  }
}

/**
 * @template T
 * @param {T[] | Int32Array} list
 * @param {() => number} next
 */
export function shuffle(list, next) {
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1))
    ;[list[i], list[j]] = [list[j], list[i]]
  }
}
