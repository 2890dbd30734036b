import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { binding } from '../../lib/backend/binding.ts'
import * as losskit from '../../lib/index.ts'

const declared = Object.entries(losskit).flatMap(([name, value]) =>
  typeof value === 'function' && 'lossName' in value ? [{ name, loss: value }] : [],
)
const names = declared.map(({ name }) => name).sort()
const docs = readFileSync(new URL('../../docs/losses.md', import.meta.url), 'utf8')
/** Rows of the tables of losses: `name`, inputs → gradient, options. */
const rows = [...docs.matchAll(/^\| `(\w+)` \| \((\w+), target\) → (\w+) \| (.*?) \|/gm)]

it('the addon, the declarations and the documentation know the same losses', () => {
  const kernels = new Set(binding.kernels.map(({ name }) => name.split('+')[0]))
  expect([...kernels].sort()).toEqual(names)
  expect(rows.map(([, name]) => name).sort()).toEqual(names)
})

it('every loss is exported under its own name', () => {
  for (const { name, loss } of declared) {
    expect(loss.lossName).toBe(name)
    expect(loss.name).toBe(name)
  }
})

it('the documentation names the gradients and the options that there are', () => {
  for (const [, name, input, gradient, options] of rows) {
    const { loss } = declared.find(({ loss }) => loss.lossName === name) as { loss: typeof losskit.mse }
    const [pred, target] = input === 'pred' ? [[0.5], [1]] : [[[0.5, 1]], [1]]
    expect(input).toBe(gradient)
    expect(Object.keys(loss.grad(pred as number[], target as number[]))).toEqual([gradient])
    for (const [, option] of (options as string).matchAll(/`(\w+)`(?! like)/g)) {
      if (option === 'weight') continue
      const value = { delta: 1, posWeight: 1, ignoreIndex: 7, labelSmoothing: 0.5 }[option as 'delta']
      expect(value, `a value for ${option} in this test`).toBeDefined()
      expect(() => loss(pred as number[], target as number[], { [option as string]: value })).not.toThrow()
    }
  }
})
