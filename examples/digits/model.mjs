import { crossEntropy } from 'losskit'
import { classes, pixels } from '../shared/digits.mjs'
import { random, shuffle } from '../shared/random.mjs'

/**
 * Softmax regression: one weight for each pixel and class. The products of matrices are plain loops; the loss and its
 * gradient come from losskit.
 */
export class SoftmaxRegression {
  weights = new Float32Array(pixels * classes)
  bias = new Float32Array(classes)

  /**
   * Scores of images, one row of ten for each.
   *
   * @param {Float32Array} images
   * @param {Float32Array} logits
   */
  predict(images, logits) {
    const { weights, bias } = this
    for (let row = 0; row < logits.length / classes; row++) {
      const scores = logits.subarray(row * classes, (row + 1) * classes)
      scores.set(bias)
      for (let pixel = 0; pixel < pixels; pixel++) {
        const ink = images[row * pixels + pixel]
        if (ink === 0) continue
        for (let c = 0; c < classes; c++) scores[c] += ink * weights[pixel * classes + c]
      }
    }
    return logits
  }

  /**
   * A step against the gradient, which arrives as that of the scores.
   *
   * @param {Float32Array} images
   * @param {Float32Array} gradient
   * @param {number} rate
   */
  step(images, gradient, rate) {
    const { weights, bias } = this
    for (let row = 0; row < gradient.length / classes; row++) {
      const slopes = gradient.subarray(row * classes, (row + 1) * classes)
      for (let c = 0; c < classes; c++) bias[c] -= rate * slopes[c]
      for (let pixel = 0; pixel < pixels; pixel++) {
        const ink = images[row * pixels + pixel]
        if (ink === 0) continue
        for (let c = 0; c < classes; c++) weights[pixel * classes + c] -= rate * ink * slopes[c]
      }
    }
  }
}

/**
 * Trains in small batches, shuffled the same way every time.
 *
 * @param {SoftmaxRegression} model
 * @param {import('../shared/digits.mjs').Digits} digits
 * @param {{ epochs: number, batch: number, rate: number }} settings
 * @param {(epoch: number, loss: number) => void} onEpoch
 */
export function train(model, digits, { epochs, batch, rate }, onEpoch) {
  const next = random(7)
  const order = Int32Array.from({ length: digits.count }, (_, i) => i)
  const images = new Float32Array(batch * pixels)
  const labels = new Int32Array(batch)
  const scores = { data: new Float32Array(batch * classes), shape: [batch, classes] }
  const gradient = new Float32Array(batch * classes)

  for (let epoch = 1; epoch <= epochs; epoch++) {
    shuffle(order, next)
    const batches = Math.floor(digits.count / batch)
    let sum = 0
    for (let b = 0; b < batches; b++) {
      for (let i = 0; i < batch; i++) {
        const digit = order[b * batch + i]
        images.set(digits.images.subarray(digit * pixels, (digit + 1) * pixels), i * pixels)
        labels[i] = digits.labels[digit]
      }
      model.predict(images, scores.data)
      // Value and gradient in one pass over the scores, into a buffer that is used again for every batch.
      const { value } = crossEntropy.valueAndGrad(scores, labels, { out: { logits: gradient } })
      model.step(images, gradient, rate)
      sum += value
    }
    onEpoch(epoch, sum / batches)
  }
}
