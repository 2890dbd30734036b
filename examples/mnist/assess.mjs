import { crossEntropy, multiclassHinge } from 'losskit'

/**
 * How good scores are: how many are right, how sure they are, and what two losses say of them.
 *
 * @param {{ data: Float32Array, shape: readonly [number, number] }} logits
 * @param {Int32Array} labels
 */
export function assess(logits, labels) {
  const [rows, classes] = logits.shape
  const bins = Array.from({ length: 10 }, () => ({ count: 0, right: 0, sure: 0 }))
  let [right, sure] = [0, 0]
  for (let row = 0; row < rows; row++) {
    const scores = logits.data.subarray(row * classes, (row + 1) * classes)
    const highest = Math.max(...scores)
    const confidence = 1 / scores.reduce((sum, score) => sum + Math.exp(score - highest), 0)
    const hit = scores.indexOf(highest) === labels[row] ? 1 : 0
    const bin = bins[Math.min(9, Math.floor(confidence * 10))]
    bin.count++
    bin.right += hit
    bin.sure += confidence
    right += hit
    sure += confidence
  }
  return {
    accuracy: right / rows,
    confidence: sure / rows,
    // By how much confidence and accuracy differ, over ten bins of confidence (expected calibration error).
    miscalibration: bins.reduce((sum, bin) => sum + Math.abs(bin.right - bin.sure), 0) / rows,
    crossEntropy: crossEntropy(logits, labels),
    multiclassHinge: multiclassHinge(logits, labels),
  }
}
