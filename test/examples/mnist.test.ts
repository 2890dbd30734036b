import { expect, it } from 'vitest'
import { example, tableOf } from './example.ts'

it('mnist: every loss teaches the perceptron to read, and what it learns does not depend on the machine', async () => {
  const stdout = await example('mnist', ['--short'])
  const rows = tableOf(stdout, 'trained with')
  expect(rows.map(row => row['trained with'])).toEqual([
    'crossEntropy',
    'crossEntropy, labelSmoothing 0.1',
    'softmaxFocal, gamma 2',
    'multiclassHinge',
  ])
  for (const row of rows) expect(Number.parseFloat(row.right ?? ''), row['trained with']).toBeGreaterThan(93)

  // Cross entropy alone asks for the probabilities that there are; smoothed labels, for less certainty.
  const [plain = 0, ...others] = rows.map(row => Number(row.miscalibration))
  expect(plain).toBeLessThan(0.03)
  for (const other of others) expect(other).toBeGreaterThan(2 * plain)

  expect(await example('mnist', ['--short'], { LOSSKIT_ISA: 'scalar', LOSSKIT_THREADS: '1' })).toBe(stdout)
})
