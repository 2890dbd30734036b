/** What docs/memory.md says about the memory of a call, held against the peak of resident memory of every kernel. */

import { describe, expect, it } from 'vitest'
import { binding } from '../../lib/backend/binding.ts'
import { addonFile, runProgram } from './process.ts'

interface Taken {
  readonly name: string
  readonly driver: string
  readonly batch: {
    readonly rows: number
    readonly columns: number
    readonly inner: number
    readonly others: number
  }
  /** Of the inputs. */
  readonly bytes: number
  readonly statuses: readonly string[]
  /** Beyond its arrays, for the value and for value and gradient. */
  readonly value: number
  readonly grad: number
}

const THREADS = 2
/** What the process itself may have taken meanwhile: a quarter of the smallest inputs, or less. */
const MEANWHILE = 2 * 2 ** 20

/** The table of docs/memory.md for float32, where it depends on the batch: bytes for the value, and for the gradient. */
function documented({ name, driver, batch: { rows, columns, inner, others } }: Taken): [number, number] {
  if (name.startsWith('lovasz')) return [THREADS * 32 * columns, THREADS * 32 * columns]
  if (driver === 'sequences') return [THREADS * 128 * inner, THREADS * 16 * others * inner]
  if (name === 'siameseTriplet') return [16 * rows + 8 * others, 16 * rows + 8 * others]
  if (driver === 'allPairs') {
    const scores = THREADS * 256 * (256 + 2 * columns) * 8
    return [80 * rows + 16 * others + scores, 80 * rows + 16 * others + scores]
  }
  return [0, 0]
}

const isGlibc =
  process.platform === 'linux' &&
  'glibcVersionRuntime' in (process.report.getReport() as { header: object }).header

describe.runIf(isGlibc)('the memory of a call', async () => {
  const { output, code } = isGlibc ? await runProgram('memory.mjs', addonFile) : { output: '[]', code: 0 }
  const taken = code === 0 ? (JSON.parse(output) as Taken[]) : []

  it('is measured for every kernel of the catalogue, with inputs that it takes', () => {
    expect(code, output).toBe(0)
    expect(taken.map(({ name }) => name)).toEqual(binding.kernels.map(({ name }) => name))
    for (const { name, statuses } of taken) expect(statuses, name).toEqual(['ok', 'ok'])
  })

  it('of a value or of a gradient with an array for it is what docs/memory.md says', () => {
    for (const one of taken) {
      const [value, grad] = documented(one)
      expect(one.value, `value of ${one.name}`).toBeLessThan(1.25 * value + MEANWHILE)
      expect(one.grad, `gradient of ${one.name}`).toBeLessThan(1.25 * grad + MEANWHILE)
    }
  })

  it('does not grow with the batch, but for the losses that the table names', () => {
    const constant = taken.filter(one => documented(one)[0] === 0)
    expect(constant.length).toBeGreaterThan(45)
    for (const { name, bytes, value, grad } of constant) {
      expect(Math.max(value, grad), name).toBeLessThan(bytes / 7)
    }
  })

  it('is seen by this measurement where there is some', () => {
    const sorted = taken.filter(({ name }) => name.startsWith('lovasz'))
    for (const { batch, value } of sorted) expect(value).toBeGreaterThan(24 * batch.columns)
  })
})
