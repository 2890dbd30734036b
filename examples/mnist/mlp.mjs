import { random } from '../shared/random.mjs'

/**
 * A perceptron with one hidden layer: scores = relu(x W₁ + b₁) W₂ + b₂, all products as plain loops.
 */
export class Mlp {
  /** @param {number} inputs @param {number} hidden @param {number} classes @param {number} seed */
  constructor(inputs, hidden, classes, seed) {
    this.sizes = { inputs, hidden, classes }
    const next = random(seed)
    /** Uniform, with the variance 2 / (number of inputs) that keeps the size of activations (He). */
    const weights = (from, to) =>
      Float32Array.from({ length: from * to }, () => (2 * next() - 1) * Math.sqrt(6 / from))
    this.w1 = weights(inputs, hidden)
    this.b1 = new Float32Array(hidden)
    this.w2 = weights(hidden, classes)
    this.b2 = new Float32Array(classes)
  }

  /**
   * Scores of images, one row for each, and what the hidden layer says on the way.
   *
   * @param {Float32Array} images
   * @param {Float32Array} activations
   * @param {Float32Array} scores
   */
  forward(images, activations, scores) {
    const { inputs, hidden, classes } = this.sizes
    for (let row = 0; row < scores.length / classes; row++) {
      const active = activations.subarray(row * hidden, (row + 1) * hidden)
      active.set(this.b1)
      addProduct(images.subarray(row * inputs, (row + 1) * inputs), this.w1, active)
      for (let h = 0; h < hidden; h++) active[h] = Math.max(0, active[h])
      const out = scores.subarray(row * classes, (row + 1) * classes)
      out.set(this.b2)
      addProduct(active, this.w2, out)
    }
  }

  /**
   * A step against the gradient, which arrives as that of the scores and goes back through both layers.
   *
   * @param {Float32Array} images
   * @param {Float32Array} activations
   * @param {Float32Array} gradient
   * @param {number} rate
   */
  step(images, activations, gradient, rate) {
    const { inputs, hidden, classes } = this.sizes
    const rows = gradient.length / classes
    // All of the hidden layer first: the weights that carry the gradient back must not have moved.
    const slopes = new Float32Array(rows * hidden)
    for (let row = 0; row < rows; row++) {
      for (let h = 0; h < hidden; h++) {
        if (activations[row * hidden + h] === 0) continue
        let slope = 0
        for (let c = 0; c < classes; c++) slope += gradient[row * classes + c] * this.w2[h * classes + c]
        slopes[row * hidden + h] = slope
      }
    }
    for (let row = 0; row < rows; row++) {
      const active = activations.subarray(row * hidden, (row + 1) * hidden)
      descend(active, gradient.subarray(row * classes, (row + 1) * classes), this.w2, this.b2, rate)
      const image = images.subarray(row * inputs, (row + 1) * inputs)
      descend(image, slopes.subarray(row * hidden, (row + 1) * hidden), this.w1, this.b1, rate)
    }
  }
}

/** out += input · weights. Most pixels are white, and so is half of the hidden layer. */
function addProduct(input, weights, out) {
  const width = out.length
  for (let i = 0; i < input.length; i++) {
    const value = input[i]
    if (value === 0) continue
    for (let j = 0, at = i * width; j < width; j++, at++) out[j] += value * weights[at]
  }
}

/** weights −= rate · inputᵀ · slopes, bias −= rate · slopes */
function descend(input, slopes, weights, bias, rate) {
  const width = slopes.length
  for (let j = 0; j < width; j++) bias[j] -= rate * slopes[j]
  for (let i = 0; i < input.length; i++) {
    const value = input[i]
    if (value === 0) continue
    const factor = rate * value
    for (let j = 0, at = i * width; j < width; j++, at++) weights[at] -= factor * slopes[j]
  }
}
