import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

it('the example learns digits, and the command finds the numbers of its training in files', async () => {
  const example = fileURLToPath(new URL('../../examples/digits.mjs', import.meta.url))
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [example])
  expect(stderr).toBe('')
  expect(stdout.match(/^(\w+) .* ✓ every bit$/gm)).toHaveLength(4)
  const accuracies = [...stdout.matchAll(/ (\d+\.\d+) % /g)].map(([, percent]) => Number(percent))
  expect(accuracies).toHaveLength(15)
  expect(accuracies.at(-1)).toBeGreaterThanOrEqual(90)
})
