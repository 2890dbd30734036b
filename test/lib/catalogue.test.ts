import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { binding } from '../../lib/backend/binding.ts'
import { descriptionOf } from '../../lib/description.ts'
import { exportedLosses } from '../support/losses.ts'

const losses = exportedLosses()
const names = losses.map(({ lossName }) => lossName).sort()
const docs = readFileSync(new URL('../../docs/losses.md', import.meta.url), 'utf8')
/** Rows of the tables of losses: `name`, inputs → gradients, options. */
const rows = [...docs.matchAll(/^\| `([\w.]+)` \| \(([\w, ]+)\)(?: → ([\w, ]+))? \| (.*?) \|/gm)]
const described = (name: string) => {
  const loss = losses.find(({ lossName }) => lossName === name)
  const description = loss && descriptionOf(loss)
  if (description === undefined) throw new Error(`no loss is called ${name}`)
  return description
}

it('the addon, the declarations and the documentation know the same losses', () => {
  const used = new Set(losses.flatMap(loss => descriptionOf(loss)?.kernels ?? []))
  expect(binding.kernels.map(({ name }) => name).sort()).toEqual([...used].sort())
  expect(rows.map(([, name]) => name).sort()).toEqual(names)
})

it('every loss is exported under its own name', () => {
  for (const loss of losses) expect(loss.name).toBe(loss.lossName.split('.').at(-1))
  expect(new Set(names).size).toBe(names.length)
})

it('the documentation names the inputs, the gradients and the options that there are', () => {
  for (const [, name, inputs, gradients, options] of rows) {
    const loss = described(name as string)
    expect(inputs?.split(', '), name).toEqual(loss.inputs)
    expect(gradients?.split(', ') ?? [], name).toEqual(loss.gradients)
    const named = [...(options as string).matchAll(/`(\w+)`(?! like)/g)].map(match => match[1])
    expect(named.sort(), `options of ${name}`).toEqual(Object.keys(loss.options).sort())
  }
})
