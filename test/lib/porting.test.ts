/** Every call that docs/porting.md names is one: the loss, its inputs in order, and its options. */

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { descriptionOf } from '../../lib/description.ts'
import { exportedLosses } from '../support/losses.ts'

const text = readFileSync(new URL('../../docs/porting.md', import.meta.url), 'utf8')
const losses = new Map(exportedLosses().map(loss => [loss.lossName, loss]))

interface Row {
  readonly there: string
  readonly name: string
  readonly inputs: string[]
  readonly options: string[]
}

/** `name(input, input, { option, option: value })` in the second column of a table. */
const calls: Row[] = text.split('\n').flatMap(line => {
  const [, there, here] = /^\| (`.*?) \| (.*?) \|/.exec(line) ?? []
  return [...(here ?? '').matchAll(/`([\w.]+)\((.*?)(?:, \{ (.*?) \})?\)`/g)].map(
    ([, name, inputs, options]) => ({
      there: there as string,
      name: name as string,
      inputs: (inputs as string).split(', '),
      options: (options ?? '').split(', ').flatMap(option => /^\w+/.exec(option)?.[0] ?? []),
    }),
  )
})

const COMMON = ['weight', 'reduction', 'divisor', 'upstream']

describe('the porting guide', () => {
  it.each(calls)('$there is $name', ({ name, inputs, options }) => {
    const loss = losses.get(name)
    expect(loss, `${name} is exported`).toBeDefined()
    const description = loss && descriptionOf(loss)
    expect(inputs.length, `inputs of ${name}`).toBe(description?.inputs.length)
    for (const option of options)
      expect([...Object.keys(description?.options ?? {}), ...COMMON]).toContain(option)
  })

  it('has a row for every loss of the libraries it names', () => {
    const rows = text.split('\n').filter(line => line.startsWith('| `'))
    // Functions of torch.nn.functional and torchvision.ops, classes of keras.losses, functions of optax.losses and tf.losses.
    expect(rows.length).toBeGreaterThanOrEqual(85)
    expect(rows.every(row => /`\w+\(/.test(row) || row.includes('| none |'))).toBe(true)
  })
})
