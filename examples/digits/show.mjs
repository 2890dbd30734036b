import { pixels } from '../shared/digits.mjs'

/**
 * Digits beside each other, two pixels of height in one character.
 *
 * @param {Float32Array} images
 * @param {readonly number[]} chosen
 * @param {readonly string[]} captions
 */
export function draw(images, chosen, captions) {
  const size = Math.sqrt(pixels)
  const shades = [' ', '░', '▒', '▓', '█']
  for (let y = 2; y < size - 2; y += 2) {
    const line = chosen.map(digit => {
      let text = ''
      for (let x = 2; x < size - 2; x++) {
        const at = digit * pixels + y * size + x
        const ink = (images[at] + images[at + size]) / 2
        text += shades[Math.min(shades.length - 1, Math.floor(ink * shades.length))]
      }
      return text
    })
    console.log(`  ${line.join('  ')}`.trimEnd())
  }
  console.log(`  ${captions.map(caption => caption.padEnd(size - 4)).join('  ')}`.trimEnd())
}
