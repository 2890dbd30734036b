/**
 * One number everywhere: every kernel of the catalogue has the same bits on every instruction set, with any number of
 * threads, in one call or in pieces that are merged in any order. NaN equals NaN; nothing else is forgiven.
 *
 * LOSSKIT_BITS=full (npm run check:bits:all) tries every family of inputs under every setting; without it each kernel is
 * tried on a few of them.
 */

import { afterEach, describe, expect, it } from 'vitest'
import { Random } from '../support/random.ts'
import { binding, type Call, run } from '../support/raw.ts'
import { batchesOf } from './drivers.ts'
import { accepted, familiesOf, makeCall, newGrads, plain } from './inputs.ts'
import { computeTypeOf, STORAGES, type Storage, store } from './numbers.ts'
import { difference, firstDifference, type Results, scattered, whole } from './results.ts'

const isFull = process.env.LOSSKIT_BITS === 'full'
const THREADS = isFull ? [1, 2, 5] : [1, 3]
/** For batches so small that one thread takes them all. */
const ONE_THREAD = isFull ? THREADS : [1]
const { isa: initialIsa, isas, threads: initialThreads } = binding.info()
/** Those of large batches. Numbers one at a time take minutes there; small batches have whole blocks of them too. */
const FAST_ISAS = isFull ? isas : isas.filter(isa => isa !== 'scalar')

afterEach(() => {
  binding.setIsa(initialIsa)
  binding.setThreads(initialThreads)
})

/** Runs once for every instruction set and number of threads, and compares all with the first. */
function everywhere<T>(
  compute: () => T,
  compare: (first: T, other: T, where: string) => void,
  counts: readonly number[] = THREADS,
  among: readonly string[] = isas,
): void {
  let first: { readonly result: T } | undefined
  for (const isa of among) {
    binding.setIsa(isa)
    for (const threads of counts) {
      binding.setThreads(threads)
      const result = compute()
      if (first === undefined) first = { result }
      else compare(first.result, result, `${isa}, ${threads} threads, against ${isas[0]}`)
    }
  }
}

function expectOneResult(
  call: Call,
  storage: Storage,
  isCut: boolean,
  seed: number,
  counts?: readonly number[],
  among?: readonly string[],
): void {
  const random = new Random(seed)
  const check = (first: Results, other: Results, where: string) => {
    const found = difference(first, other, storage)
    if (found !== undefined) expect.fail(`${where}: ${found}`)
  }
  everywhere(
    () => {
      const result = whole(call)
      expect(result.sum.status).toBe('ok')
      if (isCut) check(result, scattered(call, random, 1 + random.integer(7)), 'in pieces, against one call')
      return result
    },
    check,
    counts,
    among,
  )
}

/** Some of a list, from its beginning to its end. */
function spread<T>(items: readonly T[], count: number): readonly T[] {
  if (items.length <= count) return items
  return Array.from(
    { length: count },
    (_, i) => items[Math.round((i * (items.length - 1)) / Math.max(count - 1, 1))] as T,
  )
}

it('is tested on more than one instruction set where the machine has more', () => {
  expect(isas).toContain('scalar')
  if (process.arch === 'x64' || process.arch === 'arm64') expect(isas.length).toBeGreaterThan(1)
})

describe.each(binding.kernels)('$name', kernel => {
  const { small, large, many, isCut } = batchesOf(kernel.driver)

  describe.each(STORAGES)('in %s', storage => {
    const combinations = accepted(kernel, storage)
    // Half types differ in how they are read and written only, and wide numbers show that.
    const isHalf = storage === 'float16' || storage === 'bfloat16'

    it('takes some of the inputs that are tried', () => {
      expect(combinations.length).toBeGreaterThan(0)
    })

    it('has one result for every small batch', () => {
      for (const combination of isFull ? combinations : spread(combinations, isHalf ? 1 : 3)) {
        small.forEach((shape, i) => {
          expectOneResult(
            makeCall(kernel, storage, combination, shape, 100 + i),
            storage,
            isCut,
            i,
            ONE_THREAD,
          )
        })
      }
    })

    it('has one result for every large batch', () => {
      for (const combination of plain(combinations).slice(0, isFull ? (isHalf ? 1 : 3) : isHalf ? 0 : 1)) {
        large.forEach((shape, i) => {
          const call = makeCall(kernel, storage, combination, shape, 200 + i)
          expectOneResult(call, storage, isCut, i, THREADS, FAST_ISAS)
        })
      }
    })

    it.runIf(kernel.grads.length > 0)('has one gradient for an incoming gradient of every value', () => {
      for (const combination of plain(combinations).slice(0, isFull ? undefined : isHalf ? 0 : 1)) {
        const random = new Random(300)
        const compute = computeTypeOf(storage)
        const call = {
          ...makeCall(kernel, storage, combination, many, 300),
          upstream: store(compute, many.rows, () => random.normal()),
          reduction: 'none',
        } as const
        const gradients = (values?: Call['values']) => {
          const grads = newGrads(kernel, storage, call)
          expect(run({ ...call, values, grads }).status).toBe('ok')
          return grads
        }
        const compare = (first: ReturnType<typeof gradients>, other: typeof first, where: string) => {
          other.forEach(({ data }, i) => {
            const place = firstDifference(first[i]?.data ?? data.subarray(1), data, storage)
            expect(place, `gradient ${i}, ${where}`).toBe(-1)
          })
        }
        const withAndWithout = () => {
          const alone = gradients()
          compare(alone, gradients(store(compute, many.rows, () => 0)), 'with the values, against without')
          return alone
        }
        everywhere(withAndWithout, compare, THREADS, FAST_ISAS)
      }
    })

    it('refuses what it refuses with the same words everywhere: the first fault is named', () => {
      const taken = new Set(combinations.map(({ family }) => family))
      const setting = combinations.at(-1)?.setting
      if (setting === undefined) return // which another test reports
      for (const family of familiesOf(kernel, storage).filter(family => !taken.has(family))) {
        const call = makeCall(kernel, storage, { family, setting }, many, 400)
        const fault = () => {
          try {
            const { status, faultInput, faultIndex, faultValue } = run(call)
            return { status, faultInput, faultIndex, faultValue }
          } catch (error) {
            return { code: (error as { code?: unknown }).code }
          }
        }
        const alike = (first: unknown, other: unknown, where: string) => expect(other, where).toEqual(first)
        everywhere(fault, alike, THREADS, FAST_ISAS)
      }
    })
  })
})
