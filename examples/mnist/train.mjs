import { classes, pixels } from '../shared/digits.mjs'
import { random, shuffle } from '../shared/random.mjs'

/**
 * Trains a model in small batches, shuffled the same way every time.
 *
 * @param {import('./mlp.mjs').Mlp} model
 * @param {import('losskit').crossEntropy | import('losskit').multiclassHinge} loss
 * @param {object} options of the loss
 * @param {import('../shared/digits.mjs').Digits} digits
 * @param {{ epochs: number, batch: number, rate: number }} settings
 * @returns {number} mean loss of the last epoch
 */
export function train(model, loss, options, digits, { epochs, batch, rate }) {
  const next = random(7)
  const order = Int32Array.from({ length: digits.count }, (_, i) => i)
  const images = new Float32Array(batch * pixels)
  const labels = new Int32Array(batch)
  const activations = new Float32Array(batch * model.sizes.hidden)
  const scores = { data: new Float32Array(batch * classes), shape: [batch, classes] }

  // Prepared once: every run reads the scores and labels that stand in the buffers, and writes the gradient into its own.
  const run = loss.bind(scores, labels, { ...options, grad: true })
  const batches = Math.floor(digits.count / batch)
  let sum = 0
  for (let epoch = 0; epoch < epochs; epoch++) {
    shuffle(order, next)
    sum = 0
    for (let b = 0; b < batches; b++) {
      for (let i = 0; i < batch; i++) {
        const digit = order[b * batch + i]
        images.set(digits.images.subarray(digit * pixels, (digit + 1) * pixels), i * pixels)
        labels[i] = digits.labels[digit]
      }
      model.forward(images, activations, scores.data)
      sum += run()
      model.step(images, activations, run.grad.logits, rate * (1 - epoch / epochs))
    }
  }
  return sum / batches
}
