// Trains the same perceptron with four losses on handwritten digits, and compares what becomes of it.
//
//   npm run example:mnist            # 15 epochs
//   npm run example:mnist -- --short # 5 epochs

import { crossEntropy, multiclassHinge, softmaxFocal } from 'losskit'
import { assess } from './mnist/assess.mjs'
import { Mlp } from './mnist/mlp.mjs'
import { train } from './mnist/train.mjs'
import { classes, loadDigits, pixels } from './shared/digits.mjs'
import { heading, table } from './shared/table.mjs'

const epochs = process.argv.includes('--short') ? 5 : 15
const hidden = 64
const digits = loadDigits(2000)
const { images, labels, count } = digits.test

/** @type {[string, typeof crossEntropy | typeof multiclassHinge | typeof softmaxFocal, object][]} */
const contenders = [
  ['crossEntropy', crossEntropy, {}],
  ['crossEntropy, labelSmoothing 0.1', crossEntropy, { labelSmoothing: 0.1 }],
  ['softmaxFocal, gamma 2', softmaxFocal, { alpha: 1, gamma: 2 }],
  ['multiclassHinge', multiclassHinge, {}],
]

const rows = contenders.map(([name, loss, options]) => {
  const model = new Mlp(pixels, hidden, classes, 1)
  const trained = train(model, loss, options, digits.train, { epochs, batch: 32, rate: 0.2 })
  const logits = { data: new Float32Array(count * classes), shape: /** @type {const} */ ([count, classes]) }
  model.forward(images, new Float32Array(count * hidden), logits.data)
  const result = assess(logits, labels)
  return [
    name,
    trained.toFixed(4),
    `${(100 * result.accuracy).toFixed(2)} %`,
    result.confidence.toFixed(3),
    result.miscalibration.toFixed(3),
    result.crossEntropy.toFixed(4),
    result.multiclassHinge.toFixed(4),
  ]
})

heading(
  `${pixels} → ${hidden} → ${classes}, ${epochs} epochs of ${digits.train.count} digits, tested on ${count} others`,
)
table(
  ['trained with', 'its loss', 'right', 'confidence', 'miscalibration', 'crossEntropy', 'multiclassHinge'],
  rows,
)
