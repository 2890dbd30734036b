import { expect, it } from 'vitest'
import { example, needsPackages, tableOf } from './example.ts'

it('ocr: the loss of a model that reads text is small where it reads well, and large where it does not', async context => {
  needsPackages('ocr', context)
  const stdout = await example('ocr', ['--short'])
  const rows = tableOf(stdout, 'noise').map(row => Object.values(row).map(Number.parseFloat))
  expect(rows.map(([noise]) => noise)).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5])
  const [[, clean, cleanWrong, cleanExact] = [], , , , , [, noisy, noisyWrong] = []] = rows
  expect(clean).toBeLessThan(0.05)
  expect(cleanWrong).toBeLessThan(2)
  expect(cleanExact).toBeGreaterThanOrEqual(7)
  expect(noisy).toBeGreaterThan(10 * (clean ?? 0))
  expect(noisyWrong).toBeGreaterThan(5)

  const hardest = tableOf(stdout, 'ctc')
  expect(hardest).toHaveLength(5)
  for (const { drawn, read } of hardest) expect(read).not.toBe(drawn)
})
