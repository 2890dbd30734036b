/** The benchmark of devices runs from end to end, on the emulated device, and says why it does nothing without one. */

import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { file } from '../../lib/backend/binding.ts'
import { EMULATED, missing } from './devices.ts'

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const hasPython = spawnSync('python3', ['--version']).error === undefined

function bench(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const all = { ...process.env, LOSSKIT_BINARY: file, ...env }
  const program = path('../../bench/cuda/main.mjs')
  const { stdout, stderr, status } = spawnSync(process.execPath, [program, ...args], {
    env: all,
    encoding: 'utf8',
  })
  return { stdout, stderr, status }
}

describe.skipIf(missing !== undefined || process.env.LOSSKIT_TEST_GPU === '1')(
  'the benchmark of devices',
  () => {
    it('measures losses and copies, and calls it no benchmark where the device is emulated', () => {
      const before = readdirSync(path('../../bench/results'))
      const { stdout, stderr, status } = bench(['--emulated', '--without-peers'])
      expect(status, stderr).toBe(0)
      expect(stdout).toMatch(/^# NO benchmark: an emulated device, whose times say nothing$/m)
      // It needs Python for the copies alone.
      expect(stdout).toMatch(
        hasPython ? /copies \d+ GB\/s, read plus written/ : /left out: the speed of copies/,
      )
      const cells = stdout.split('\n').filter(line => /^│ crossEntropy 8×300 value\+grad bf16 /.test(line))
      expect(cells).toHaveLength(3)
      const [, ms, gigabytes, share, bar, published] = (cells[0] as string)
        .split('│')
        .slice(1)
        .map(cell => cell.trim())
      expect(ms).toMatch(/^[\d.]+ [mµ]s$/)
      expect(Number(gigabytes)).toBeGreaterThan(0)
      expect(share).toMatch(hasPython ? /^\d+ %$/ : /^–$/)
      expect([bar, published]).toEqual(['0.001 ms', 'nobody'])
      const products = /^│ linearCrossEntropy 8×16×41 value\+grad bf16 .*nobody.*│$/m.exec(stdout)?.[0] ?? ''
      expect(products.split('│')[3]).toMatch(/^ [\d.e-]+ +$/)
      expect(stdout).not.toContain('written:')
      expect(readdirSync(path('../../bench/results'))).toEqual(before)
    })

    it('says why it does nothing', () => {
      const { stdout, status } = bench([], { LOSSKIT_CUDA_LIBRARY: '/nowhere/liblosskit_cuda.so' })
      expect(status).toBe(0)
      expect(stdout).toContain('Nothing is measured, as there is no CUDA device to measure: library-missing.')
      expect(bench([], { LOSSKIT_CUDA_LIBRARY: EMULATED }).stdout).toContain('as the device is emulated')
    })
  },
)
