// Evaluates a model that reads text, PP-OCRv4 in ONNX Runtime, by the CTC loss. The lines of text are drawn here, so what
// they say is known exactly; noise makes them harder.
//
//   npm run example:ocr            # installs its packages on first use, 320 MB
//   npm run example:ocr -- --short

import { ctc } from 'losskit'
import { edits } from './ocr/edits.mjs'
import { texts } from './ocr/texts.mjs'
import { install } from './shared/packages.mjs'
import { heading, table } from './shared/table.mjs'

install('ocr')
const { render, withNoise } = await import('./ocr/render.mjs')
const { labelsOf, likeliest, Reader } = await import('./ocr/reader.mjs')

const chosen = process.argv.includes('--short') ? texts.slice(0, 8) : texts
const levels = [0, 0.1, 0.2, 0.3, 0.4, 0.5]
const reader = await Reader.open()
const images = chosen.map(render)

/** One row for every level: how well all lines are read. */
const rows = []
let samples = []
for (const level of levels) {
  // The mean over the lines of the loss per character, exact, without keeping any but the current distributions.
  const mean = ctc.accumulator()
  samples = []
  for (const [i, text] of chosen.entries()) {
    const logProbs = await reader.read(withNoise(images[i], level, i))
    const labels = labelsOf(text)
    const lengths = [[logProbs.shape[0]], [labels.length]]
    mean.update(logProbs, labels, ...lengths)
    const [loss] = ctc(logProbs, labels, ...lengths, { reduction: 'none' })
    samples.push({ drawn: text, loss, ...likeliest(logProbs) })
  }
  const wrong = samples.reduce((sum, { drawn, text }) => sum + edits(drawn, text), 0)
  const all = samples.reduce((sum, { drawn }) => sum + drawn.length, 0)
  const exact = samples.filter(({ drawn, text }) => drawn === text)
  for (const { text, loss, logProb } of exact) {
    // The likeliest alignment is one of those that the loss adds up, so the loss cannot be above it.
    if (loss > -logProb * (1 + 1e-5) + 1e-4) throw new Error(`${text}: loss ${loss} is above ${-logProb}.`)
  }
  rows.push([level.toFixed(1), mean.value.toFixed(4), `${((100 * wrong) / all).toFixed(1)} %`, exact.length])
}

heading(`${chosen.length} lines of text, read by PP-OCRv4`)
table(['noise', 'ctc per character', 'wrong characters', 'lines without error'], rows)

heading(`The hardest lines with noise ${levels.at(-1)}`)
samples.sort((a, b) => b.loss - a.loss)
table(
  ['ctc', 'drawn', 'read'],
  samples.slice(0, 5).map(({ loss, drawn, text }) => [loss.toFixed(2), drawn, text]),
)
