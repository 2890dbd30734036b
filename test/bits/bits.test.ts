/**
 * One number everywhere: every kernel of the catalogue has the same bits on every instruction set, with any number of
 * threads, in one call or in pieces that are merged in any order. NaN equals NaN; nothing else is forgiven.
 */

import { afterEach, describe, expect, it } from 'vitest'
import type { Kernel } from '../../binding.js'
import { Random } from '../support/random.ts'
import { binding, type Call, run } from '../support/raw.ts'
import {
  type Accepted,
  accepted,
  FAMILIES,
  makeCall,
  type Shape,
  STORAGES,
  type Storage,
  store,
} from './inputs.ts'
import { difference, firstDifference, type Results, scattered, whole } from './results.ts'

const THREADS = [1, 2, 5]
const { isa: initialIsa, isas, threads: initialThreads } = binding.info()

afterEach(() => {
  binding.setIsa(initialIsa)
  binding.setThreads(initialThreads)
})

const SMALL: Record<Kernel['driver'], readonly Shape[]> = {
  elements: [1, 2, 3, 5, 8, 13, 31, 33, 64, 100, 511, 2047, 2049, 5000].map(rows => ({ rows, classes: 0 })),
  rows: [
    [1, 1],
    [3, 10],
    [7, 33],
    [65, 2],
    [33, 32],
    [20, 17],
    [5, 260],
    [3, 4097],
  ].map(([rows, classes]) => ({ rows, classes }) as Shape),
}

const LARGE: Record<Kernel['driver'], readonly Shape[]> = {
  elements: [
    { rows: 70_001, classes: 0 },
    { rows: 299_993, classes: 0 },
  ],
  rows: [
    { rows: 4096, classes: 10 },
    { rows: 20_011, classes: 3 },
    { rows: 5, classes: 5000 },
    { rows: 300, classes: 1000 },
    { rows: 2, classes: 100_000 },
    { rows: 1, classes: 262_147 },
  ],
}

/** Runs once for every instruction set and number of threads, and compares all with the first. */
function everywhere<T>(compute: () => T, compare: (first: T, other: T, where: string) => void): void {
  let first: { readonly result: T } | undefined
  for (const isa of isas) {
    binding.setIsa(isa)
    for (const threads of THREADS) {
      binding.setThreads(threads)
      const result = compute()
      if (first === undefined) first = { result }
      else compare(first.result, result, `${isa}, ${threads} threads, against ${isas[0]}`)
    }
  }
}

function expectOneResult(call: Call, storage: Storage, seed: number): void {
  const random = new Random(seed)
  const check = (first: Results, other: Results, where: string) => {
    const found = difference(first, other, storage)
    if (found !== undefined) expect.fail(`${where}: ${found}`)
  }
  everywhere(() => {
    const result = whole(call)
    expect(result.sum.status).toBe('ok')
    check(result, scattered(call, random, 1 + random.integer(7)), 'in pieces, against one call')
    return result
  }, check)
}

/** Where predictions are wide, sums are of wide numbers too; where they are ordinary, all steps of a row matter. */
function plain(all: readonly Accepted[]): Accepted[] {
  const chosen = ['wide', 'ordinary', 'chances'].map(name =>
    all.filter(({ family }) => family.name.startsWith(name)).at(-1),
  )
  return chosen.filter(combination => combination !== undefined)
}

it('is tested on more than one instruction set where the machine has more', () => {
  expect(isas).toContain('scalar')
  if (process.arch === 'x64' || process.arch === 'arm64') expect(isas.length).toBeGreaterThan(1)
})

describe.each(binding.kernels)('$name', kernel => {
  describe.each(STORAGES)('in %s', storage => {
    const combinations = accepted(kernel, storage)

    it('takes some of the inputs that are tried', () => {
      expect(combinations.length).toBeGreaterThan(0)
    })

    it('has one result for every small batch', () => {
      for (const { family, setting } of combinations) {
        SMALL[kernel.driver].forEach((shape, i) => {
          expectOneResult(makeCall(kernel, storage, family, setting, shape, 100 + i), storage, i)
        })
      }
    })

    it('has one result for every large batch', () => {
      for (const { family, setting } of plain(combinations)) {
        LARGE[kernel.driver].forEach((shape, i) => {
          expectOneResult(makeCall(kernel, storage, family, setting, shape, 200 + i), storage, i)
        })
      }
    })

    it('has one result with an incoming gradient for every sample', () => {
      for (const { family, setting } of plain(combinations)) {
        const shape = kernel.driver === 'rows' ? { rows: 500, classes: 40 } : { rows: 20_000, classes: 0 }
        const random = new Random(300)
        const upstream = store(storage === 'float64' ? 'float64' : 'float32', shape.rows, () =>
          random.normal(),
        )
        const call = {
          ...makeCall(kernel, storage, family, setting, shape, 300),
          upstream,
          reduction: 'none',
        } as const
        const gradient = () => {
          const length = (call.pred as { data: Float32Array }).data.length
          const { data } = store(storage, length, () => 0)
          run({ ...call, grad: { data, dtype: storage } })
          return data
        }
        everywhere(gradient, (first, other, where) => {
          expect(firstDifference(first, other, storage), where).toBe(-1)
        })
      }
    })

    it('refuses what it refuses with the same words everywhere: the first fault is named', () => {
      const shape = kernel.driver === 'rows' ? { rows: 9000, classes: 8 } : { rows: 200_000, classes: 0 }
      const taken = new Set(combinations.map(({ family }) => family))
      for (const family of FAMILIES.filter(family => !taken.has(family))) {
        const call = makeCall(kernel, storage, family, { weighted: false, labelSmoothing: 0 }, shape, 400)
        const fault = () => {
          try {
            const { status, faultIndex, faultValue } = run(call)
            return { status, faultIndex, faultValue }
          } catch (error) {
            return { code: (error as { code?: unknown }).code }
          }
        }
        everywhere(fault, (first, other, where) => {
          expect(other, where).toEqual(first)
        })
      }
    })
  })
})
