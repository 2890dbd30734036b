/**
 * What the files of this folder describe: a loss as the benchmark sees it.
 *
 * @typedef {Record<string, Float32Array | Int32Array>} Drawn numbers of the inputs, by name, in the order of the arguments
 * @typedef {Record<string, Float32Array | Float64Array | Int32Array>} Numbers
 *
 * @typedef {object} Size
 * @property {string} label
 * @property {number[]} shape of the first input
 * @property {number} elements of the first input
 *
 * @typedef {object} Loss
 * @property {string} name
 * @property {string} driver how the library walks it
 * @property {string[]} grads the inputs that have a gradient
 * @property {Record<string, unknown>} [options] as losskit takes them
 * @property {(size: Size, random: import('../random.mjs').Random) => Drawn} draw losses with the same function share data
 * @property {(size: Size) => Record<string, number[]>} shapes of the inputs
 * @property {(size: Size) => number} samples what a mean divides by
 * @property {(data: Numbers, grads: Record<string, Float64Array> | undefined, size: Size, scale: number) => number} textbook
 *   the sum of all samples times `scale`, and the gradient of that: the formulas as a book has them, in the float64 of
 *   JavaScript. It names nothing outside of itself, so that a copy of it can be compiled.
 * @property {number} [tolerance] where float32 has reason to be further off than usual
 * @property {Size} [checkSize] where the truth would take too long at the full size
 * @property {(size: Size, wantsGrad: boolean) => number} [flop] where arithmetic and not memory is the limit
 */

/** @param {number[]} shape @param {string} [label] @returns {Size} */
export const sizeOf = (shape, label = shape.join('×')) => ({
  label,
  shape,
  elements: shape.reduce((product, length) => product * length, 1),
})
