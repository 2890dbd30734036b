import { expect, it } from 'vitest'
import { example } from './example.ts'

it('digits: learns digits, and the command finds the numbers of its training in files', async () => {
  const stdout = await example('digits')
  expect(stdout.match(/^(\w+) .* ✓ every bit$/gm)).toHaveLength(4)
  const accuracies = [...stdout.matchAll(/ (\d+\.\d+) % /g)].map(([, percent]) => Number(percent))
  expect(accuracies).toHaveLength(15)
  expect(accuracies.at(-1)).toBeGreaterThanOrEqual(90)
})
