// Compares the boxes in which two detectors find the same faces, by the losses of boxes: a large model is the truth, a tiny
// one the prediction. Beside that, the boxes of the wrong faces, for which IoU is blind and the others are not.
//
//   npm run example:faces            # installs its packages on first use, 90 MB
//   npm run example:faces -- --short # two photographs of six

import { ciou, diou, giou, iou } from 'losskit'
import { install } from './shared/packages.mjs'
import { heading, table } from './shared/table.mjs'

install('faces')
const { loadDetectors, photos } = await import('./faces/detectors.mjs')

const losses = { iou, giou, diou, ciou }
const find = await loadDetectors()
/** @type {{ photo: string, large: number[], tiny: number[] }[]} */
const same = []
/** @type {{ photo: string, large: number[], tiny: number[] }[]} */
const wrong = []
let faces = 0
for (const photo of process.argv.includes('--short') ? photos.slice(0, 2) : photos) {
  const { large, tiny } = await find(photo)
  faces += large.length
  for (const truth of large) {
    // Boxes that do not overlap have the same IoU, 0, so the nearest is found by the distance IoU.
    const distances = valuesOf(
      diou,
      tiny.map(box => ({ large: truth, tiny: box })),
    )
    const nearest = distances.indexOf(Math.min(...distances))
    for (const [i, box] of tiny.entries()) {
      if (i !== nearest) wrong.push({ photo, large: truth, tiny: box })
      else if (distances[i] < 1) same.push({ photo, large: truth, tiny: box })
    }
  }
}

heading(`${same.length} of ${faces} faces are found by both detectors`)
const columns = Object.values(losses).map(loss => valuesOf(loss, same))
table(
  ['photo', 'box', ...Object.keys(losses)],
  same.map(({ photo, large }, i) => [
    photo,
    large.map(Math.round).join(', '),
    ...columns.map(values => values[i].toFixed(4)),
  ]),
)

heading('Mean losses')
table(
  ['pairs', 'count', ...Object.keys(losses)],
  [
    ['of the same face', same.length, ...meansOf(same)],
    ['of two faces', wrong.length, ...meansOf(wrong)],
  ],
)

/** @param {typeof same} pairs */
function tensorsOf(pairs) {
  /** @param {'large' | 'tiny'} side */
  const tensor = side => ({
    data: Float32Array.from(pairs.flatMap(pair => pair[side])),
    shape: [pairs.length, 4],
  })
  return /** @type {const} */ ([tensor('tiny'), tensor('large')])
}

/** @param {typeof iou | typeof diou} loss @param {Pick<(typeof same)[0], 'large' | 'tiny'>[]} pairs */
function valuesOf(loss, pairs) {
  return [...loss(...tensorsOf(pairs), { reduction: 'none' })]
}

/** @param {typeof same} pairs */
function meansOf(pairs) {
  return Object.values(losses).map(loss => loss(...tensorsOf(pairs)).toFixed(4))
}
