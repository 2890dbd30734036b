/**
 * Storage types. Half precision is held as its bits in a Uint16Array, as JavaScript has no array of it yet.
 *
 * @typedef {'float32' | 'float64' | 'float16' | 'bfloat16'} Dtype
 * @typedef {Float32Array | Float64Array | Uint16Array} FloatData
 */

const word = new Uint32Array(1)
const single = new Float32Array(word.buffer)

/** To the nearest, ties to even: by adding to the bits what may carry into those that stay. @param {number} x */
function toBfloat16(x) {
  single[0] = x
  return (word[0] + 0x7fff + ((word[0] >>> 16) & 1)) >>> 16
}

/** @param {number} bits */
function fromBfloat16(bits) {
  word[0] = bits << 16
  return single[0]
}

/**
 * The exponents of float16 are those of a float32 less 112, also below its normal numbers; no NaN, nothing from 65520 on.
 *
 * @param {number} x
 */
function toFloat16(x) {
  single[0] = x * 2 ** -112
  const rounded = (word[0] & 0x7fffffff) + 0xfff + ((word[0] >>> 13) & 1)
  return ((word[0] >>> 16) & 0x8000) | (rounded >>> 13)
}

/** @param {number} bits */
function fromFloat16(bits) {
  if ((bits & 0x7c00) === 0x7c00) return Number.NaN // or infinite: wrong where it is met
  word[0] = ((bits & 0x8000) << 16) | ((bits & 0x7fff) << 13)
  return single[0] * 2 ** 112
}

/** @param {Dtype} dtype */
export const isHalf = dtype => dtype === 'float16' || dtype === 'bfloat16'

/** @param {Float32Array} numbers @param {Dtype} dtype @returns {FloatData} */
export function store(numbers, dtype) {
  if (dtype === 'float32') return numbers
  if (dtype === 'float64') return Float64Array.from(numbers)
  const encode = dtype === 'float16' ? toFloat16 : toBfloat16
  const bits = new Uint16Array(numbers.length)
  for (let i = 0; i < bits.length; i++) bits[i] = encode(numbers[i])
  return bits
}

/** Exactly. @param {FloatData} data @param {Dtype} dtype @returns {Float32Array | Float64Array} */
export function widen(data, dtype) {
  if (!(data instanceof Uint16Array)) return data
  const decode = dtype === 'float16' ? fromFloat16 : fromBfloat16
  const numbers = new Float32Array(data.length)
  for (let i = 0; i < data.length; i++) numbers[i] = decode(data[i])
  return numbers
}

/** An array like `data`, written once so that its pages are there. @template {FloatData} T @param {T} data @returns {T} */
export const likewise = data => /** @type {T} */ (data.slice().fill(0))
