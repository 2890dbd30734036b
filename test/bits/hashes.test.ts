/**
 * The results on fixed inputs have the hashes of hashes.json, on this machine as on the one that wrote them. After a
 * change that is meant to change bits, or for a new loss, write them anew:
 *
 *     LOSSKIT_WRITE_HASHES=1 npx vitest run test/bits/hashes.test.ts
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, expect, it } from 'vitest'
import { binding } from '../support/raw.ts'
import { hashOf } from './hashes.ts'

const FILE = new URL('./hashes.json', import.meta.url)
const writes = process.env.LOSSKIT_WRITE_HASHES === '1'

const recorded: Record<string, string> = JSON.parse(readFileSync(FILE, 'utf8'))
const found: Record<string, string> = {}

it.each(binding.kernels)('the bits of $name are those of the machine that wrote hashes.json', kernel => {
  found[kernel.name] = hashOf(kernel)
  if (!writes) expect(found[kernel.name]).toBe(recorded[kernel.name])
})

it.skipIf(writes)('there is a hash of every kernel, and of nothing else', () => {
  expect(Object.keys(recorded)).toEqual(binding.kernels.map(({ name }) => name))
})

afterAll(() => {
  if (writes) writeFileSync(FILE, `${JSON.stringify(found, null, 2)}\n`)
})
