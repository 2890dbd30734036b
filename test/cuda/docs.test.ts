/** The programs of docs/cuda.md run, on the emulated device. */

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { transformSync } from 'esbuild'
import { describe, expect, it } from 'vitest'
import { file } from '../../lib/backend/binding.ts'
import { EMULATED, missing } from './devices.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(new URL('../../docs/cuda.md', import.meta.url), 'utf8')
const programs = [...page.matchAll(/^```js\n(.*?)^```$/gms)]
  .map(([, code = '']) => code)
  .filter(code => code.includes("from 'losskit'"))

describe.skipIf(missing !== undefined || process.env.LOSSKIT_TEST_GPU === '1')('docs/cuda.md', () => {
  it.each(programs)('has a program that runs:\n%s', code => {
    // `using` is newer than the oldest Node.
    const lowered = transformSync(code, { format: 'esm', target: 'node20' }).code
    const env = { ...process.env, LOSSKIT_BINARY: file, LOSSKIT_CUDA_LIBRARY: EMULATED }
    const args = ['--input-type=module', '-e', lowered]
    const printed = execFileSync(process.execPath, args, { cwd: root, env, encoding: 'utf8' })
    expect(printed.trim()).not.toBe('')
  })

  it('has some', () => expect(programs.length).toBeGreaterThanOrEqual(3))
})
