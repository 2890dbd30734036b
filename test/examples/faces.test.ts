import { expect, it } from 'vitest'
import { example, needsPackages, tableOf } from './example.ts'

it('faces: losses of boxes tell near misses from far ones, where IoU is blind', async context => {
  needsPackages('faces', context)
  const stdout = await example('faces', ['--short'])
  const faces = tableOf(stdout, 'photo')
  expect(faces).toHaveLength(5)
  for (const { box = '', iou, giou, diou, ciou } of faces) {
    expect(box.split(', ')).toHaveLength(4)
    const values = [iou, giou, diou, ciou].map(Number)
    // Each of the others adds to the IoU loss something that is not negative, and here the boxes overlap.
    for (const value of values) expect(value).toBeGreaterThanOrEqual(values[0] ?? Number.NaN)
    expect(values[3]).toBeGreaterThanOrEqual(values[2] ?? Number.NaN)
    expect(values[0]).toBeLessThan(0.7)
  }
  const [same, other] = tableOf(stdout, 'pairs')
  expect(same).toMatchObject({ pairs: 'of the same face', count: '5' })
  expect(other).toMatchObject({ pairs: 'of two faces', iou: '1.0000' })
  for (const loss of ['giou', 'diou', 'ciou']) expect(Number(other?.[loss])).toBeGreaterThan(1.2)
})
