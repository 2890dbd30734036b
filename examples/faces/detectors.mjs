import { readFileSync } from 'node:fs'
import { folderOf, packagesOf } from '../shared/packages.mjs'

const packages = packagesOf('faces')
const faceApi = packages('@vladmandic/face-api/dist/face-api.node-wasm.js')
const jpeg = packages('jpeg-js')
const folder = `${folderOf('faces')}node_modules/@vladmandic/face-api/`

/** The photographs that come with the models. */
export const photos = [1, 2, 3, 4, 5, 6].map(number => `sample${number}.jpg`)

/**
 * Two models that find faces: a large one (SSD on MobileNet, 5.6 MB) and a tiny one (0.2 MB).
 *
 * @typedef {{ large: number[][], tiny: number[][] }} Found boxes as x1, y1, x2, y2 in pixels
 */
export async function loadDetectors() {
  const { nets, tf } = faceApi
  await tf.setBackend('wasm')
  for (const net of [nets.ssdMobilenetv1, nets.tinyFaceDetector]) await net.loadFromDisk(`${folder}model`)
  const large = new faceApi.SsdMobilenetv1Options({ minConfidence: 0.5 })
  const tiny = new faceApi.TinyFaceDetectorOptions({ inputSize: 512, scoreThreshold: 0.4 })

  /** @param {string} photo @returns {Promise<Found>} */
  return async photo => {
    const image = readPhoto(tf, photo)
    const found = { large: await boxes(image, large), tiny: await boxes(image, tiny) }
    image.dispose()
    return found
  }
}

async function boxes(image, options) {
  const found = await faceApi.detectAllFaces(image, options)
  return found.map(({ box: { x, y, width, height } }) => [x, y, x + width, y + height])
}

/** Red, green and blue without the fourth channel. */
function readPhoto(tf, photo) {
  const { data, width, height } = jpeg.decode(readFileSync(`${folder}demo/${photo}`), { useTArray: true })
  const colours = Int32Array.from(
    { length: width * height * 3 },
    (_, i) => data[Math.floor(i / 3) * 4 + (i % 3)],
  )
  return tf.tensor3d(colours, [height, width, 3], 'int32')
}
