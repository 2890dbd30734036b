/**
 * The results on fixed inputs have the hashes of hashes.json, on this machine as on the one that wrote them. After a
 * change that is meant to change bits, or for a new loss, write them anew:
 *
 *     LOSSKIT_WRITE_HASHES=1 npx vitest run test/bits/hashes.test.ts
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { hashes } from './hashes.ts'

const FILE = new URL('./hashes.json', import.meta.url)

it('the bits of every kernel are those of the machine that wrote hashes.json', () => {
  const found = hashes()
  if (process.env.LOSSKIT_WRITE_HASHES === '1') writeFileSync(FILE, `${JSON.stringify(found, null, 2)}\n`)
  expect(found).toEqual(JSON.parse(readFileSync(FILE, 'utf8')))
})
