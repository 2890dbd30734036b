// Trains a classifier of handwritten digits with losskit, writes what it predicts to files, evaluates the files with the
// losskit command, and checks that the command finds the numbers of the training, to the last bit.
//
//   npm run build && node examples/digits.mjs

import { mkdirSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { backend, bce, crossEntropy, mse, nll } from 'losskit'
import { SoftmaxRegression, train } from './digits/model.mjs'
import { writeNpy } from './digits/npy.mjs'
import { draw } from './digits/show.mjs'
import { losskit } from './shared/command.mjs'
import { classes, loadDigits } from './shared/digits.mjs'
import { heading } from './shared/table.mjs'

const started = performance.now()
const seconds = () => `${((performance.now() - started) / 1000).toFixed(1)} s`

heading('Training')
const { train: trained, test } = loadDigits(2000)
const { isa, threads } = backend()
console.log(
  `${trained.count} digits to learn from, ${test.count} to test with; losskit on ${isa}, ${threads} threads\n`,
)

const model = new SoftmaxRegression()
const logits = { data: new Float32Array(test.count * classes), shape: [test.count, classes] }
let accuracy = 0
console.log('epoch  training loss  test loss  accuracy   time')
train(model, trained, { epochs: 15, batch: 64, rate: 0.15 }, (epoch, loss) => {
  model.predict(test.images, logits.data)
  accuracy = share(test.labels, guesses(logits.data))
  const row = [
    String(epoch).padStart(5),
    loss.toFixed(4).padStart(13),
    crossEntropy(logits, test.labels).toFixed(4).padStart(9),
    `${(accuracy * 100).toFixed(2)} %`.padStart(8),
    seconds().padStart(6),
  ]
  console.log(`${row.join('  ')}  ${'█'.repeat(Math.round((accuracy - 0.85) * 400))}`)
})

heading('The hardest of the test digits')
const losses = crossEntropy(logits, test.labels, { reduction: 'none' })
const guessed = guesses(logits.data)
const hardest = [...losses.keys()].sort((a, b) => losses[b] - losses[a]).slice(0, 4)
draw(
  test.images,
  hardest,
  hardest.map(i => `a ${test.labels[i]} read as ${guessed[i]}: loss ${losses[i].toFixed(1)}`),
)

heading('Evaluating files with the command')
const output = new URL('./output/', import.meta.url)
mkdirSync(output, { recursive: true })
const logProbs = { data: logSoftmax(logits.data), shape: logits.shape }
const zero = Float64Array.from({ length: test.count }, (_, i) => Math.exp(logProbs.data[i * classes]))
const isZero = Float64Array.from(test.labels, label => (label === 0 ? 1 : 0))
writeNpy(new URL('logits.npy', output), logits.data, logits.shape)
writeNpy(new URL('log-probs.npy', output), logProbs.data, logProbs.shape)
writeNpy(new URL('labels.npy', output), test.labels, [test.count])
writeFileSync(
  new URL('zeros.csv', output),
  `probability,is_zero\n${Array.from(zero, (p, i) => `${p},${isZero[i]}\n`).join('')}`,
)
console.log(
  `logits.npy, log-probs.npy, labels.npy and zeros.csv are in ${relative('.', fileURLToPath(output))}`,
)

const evaluate = (...args) => losskit(['evaluate', ...args], output)
const fromLogits = evaluate('--pred', 'logits.npy', '--target', 'labels.npy', '--loss', 'crossEntropy')
const fromLogProbs = evaluate('--pred', 'log-probs.npy', '--target', 'labels.npy', '--loss', 'nll')
const fromCsv = evaluate(
  'zeros.csv',
  '--pred',
  'probability',
  '--target',
  'is_zero',
  '--loss',
  'bce',
  '--loss',
  'mse',
)

heading('The same numbers, from memory and from files')
const pairs = [
  ['crossEntropy', crossEntropy(logits, test.labels), fromLogits.get('crossEntropy')],
  ['nll', nll(logProbs, test.labels), fromLogProbs.get('nll')],
  ['bce', bce(zero, isZero), fromCsv.get('bce')],
  ['mse', mse(zero, isZero), fromCsv.get('mse')],
]
for (const [name, memory, file] of pairs) {
  const verdict = Object.is(memory, file) ? '✓ every bit' : `✗ ${file}`
  console.log(`${name.padEnd(13)} ${String(memory).padEnd(22)} ${verdict}`)
}

const same = pairs.every(([, memory, file]) => Object.is(memory, file))
const learned = accuracy >= 0.9
if (!same) console.error('The command and the training disagree.')
if (!learned)
  console.error(
    `Only ${(accuracy * 100).toFixed(2)} % of the test digits are right; it should be 90 % or more.`,
  )
process.exitCode = same && learned ? 0 : 1

/** The class with the highest score, for each row. */
function guesses(scores) {
  return Int32Array.from({ length: scores.length / classes }, (_, row) => {
    const ten = scores.subarray(row * classes, (row + 1) * classes)
    return ten.indexOf(Math.max(...ten))
  })
}

/** The share of labels that were guessed. */
function share(labels, guessed) {
  return labels.reduce((right, label, i) => right + (label === guessed[i] ? 1 : 0), 0) / labels.length
}

function logSoftmax(scores) {
  const result = new Float32Array(scores.length)
  for (let start = 0; start < scores.length; start += classes) {
    const ten = scores.subarray(start, start + classes)
    const highest = Math.max(...ten)
    const log = Math.log(ten.reduce((sum, score) => sum + Math.exp(score - highest), 0))
    for (let c = 0; c < classes; c++) result[start + c] = ten[c] - highest - log
  }
  return result
}
