import { packagesOf } from '../shared/packages.mjs'
import { random } from '../shared/random.mjs'

const packages = packagesOf('ocr')
const { Resvg } = packages('@resvg/resvg-js')
const font = {
  fontFiles: [packages.resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf')],
  loadSystemFonts: false,
  defaultFontFamily: 'DejaVu Sans',
}

/** The height of a line that the model was trained with. */
export const height = 48

/**
 * A line of text, black on white: grey values from −1 (black) to 1 (white).
 *
 * @typedef {{ width: number, grey: Float32Array }} Image
 * @param {string} text
 * @returns {Image}
 */
export function render(text) {
  const letters = `<text x="8" y="34" font-size="28">${text}</text>`
  const box = new Resvg(svg(1000, letters), { font }).getBBox()
  const width = Math.ceil(box.x + box.width + 8)
  const paper = '<rect width="100%" height="100%" fill="white"/>'
  const { pixels } = new Resvg(svg(width, paper + letters), { font }).render()
  return { width, grey: Float32Array.from({ length: width * height }, (_, i) => pixels[i * 4] / 127.5 - 1) }
}

/** @param {number} width @param {string} content */
const svg = (width, content) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${content}</svg>`

/**
 * The same image with noise: nearly normal, of a standard deviation in shares of the way from black to white.
 *
 * @param {Image} image
 * @param {number} deviation
 * @param {number} seed
 * @returns {Image}
 */
export function withNoise({ width, grey }, deviation, seed) {
  const next = random(seed)
  // The sum of four uniform numbers has a variance of a third; from −1 to 1 the way is 2.
  const scale = 2 * deviation * Math.sqrt(3)
  return { width, grey: grey.map(value => value + scale * (next() + next() + next() + next() - 2)) }
}
