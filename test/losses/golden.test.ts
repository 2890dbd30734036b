/**
 * What PyTorch's float64 autograd gives, case by case. The files are written by scripts/golden/make_golden.py. Where
 * losskit differs on purpose, DEVIATIONS says what it gives instead, and why.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { expectSame } from '../support/expect.ts'
import { FLOATS, floats } from '../support/floats.ts'
import { exportedLosses } from '../support/losses.ts'
import type { ComputeType } from '../support/ulp.ts'

type Written = number | 'NaN' | 'Infinity' | '-Infinity'

interface WrittenTensor {
  readonly shape: number[]
  readonly data: Written[]
}

type WrittenOption = number | string | boolean | Written[] | WrittenTensor

/** Of a loss with several kinds of samples, the values of each. */
type WrittenValues = Written[] | Readonly<Record<string, Written[]>>

interface Reduced {
  readonly value: Written
  readonly grad: Readonly<Record<string, Written[]>>
}

interface Case {
  readonly name: string
  /** Small results are right to the last digits too. */
  readonly precise?: boolean
  readonly inputs: readonly (WrittenTensor & { readonly name: string; readonly dtype: 'float' | 'int' })[]
  readonly options: Readonly<Record<string, WrittenOption>>
  /** null where the loss has no such reduction. */
  readonly none: WrittenValues | null
  readonly sum: Reduced | null
  readonly mean: Reduced
  readonly batchmean?: Reduced
}

interface Golden {
  readonly loss: string
  readonly cases: readonly Case[]
}

/** A loss of any inputs, with its options last. */
interface Callable {
  (...given: unknown[]): unknown
  valueAndGrad?(...given: unknown[]): { value: number; grad: Readonly<Record<string, ArrayLike<number>>> }
}

/** What there are golden files of and the package does not have yet: losses, and the class axis of some. */
const NOT_YET: readonly string[] = []

/** What losskit gives instead of what PyTorch gives, by case. */
const DEVIATIONS: Record<
  string,
  { readonly why: string; readonly instead: Partial<Pick<Case, 'none' | 'sum' | 'mean' | 'batchmean'>> }
> = {
  'bceWithLogits: infinite and right': {
    why: 'PyTorch has inf - inf; losskit has the limit, 0',
    instead: {
      none: [0, 0, Math.LN2],
      sum: { value: Math.LN2, grad: { pred: [0, 0, -0.5] } },
      mean: { value: Math.LN2 / 3, grad: { pred: [0, 0, -1 / 6] } },
    },
  },
  'bce: ends': {
    why: 'PyTorch holds the 1e-12 below which p (1 - p) is cut off as a float32',
    instead: {
      sum: { value: 325, grad: { pred: [0, -1e12, -5e11, 1e12, 0, 7.5e11] } },
      mean: { value: 325 / 6, grad: { pred: [0, -1e12 / 6, -5e11 / 6, 1e12 / 6, 0, 1.25e11] } },
    },
  },
  'bce: near the ends': {
    why: 'PyTorch holds the 1e-12 below which p (1 - p) is cut off as a float32',
    instead: {
      sum: {
        value: 137.43092478988487,
        grad: { pred: [-1e12, 2 ** -60 / 1e-12, -(2 ** 30), 2 ** 24, -1.0009775171065494] },
      },
      mean: {
        value: 27.486184957976974,
        grad: {
          pred: [-2e11, 2 ** -60 / 5e-12, -(2 ** 30) / 5, 2 ** 24 / 5, -0.20019550342130987],
        },
      },
    },
  },
  'crossEntropy: an ignored row that is not a number': {
    why: 'PyTorch multiplies NaN by 0; an ignored row of losskit has gradient 0',
    instead: {
      sum: {
        value: 0.31326168751822286,
        grad: { logits: [0, 0, 0.2689414213699951, -0.2689414213699951] },
      },
      mean: {
        value: 0.31326168751822286,
        grad: { logits: [0, 0, 0.2689414213699951, -0.2689414213699951] },
      },
    },
  },
  'klDiv: impossible targets': {
    why: 'PyTorch has 0 · -inf; an outcome without mass costs 0',
    instead: {
      none: [0, 1 / Math.E],
      sum: { value: 1 / Math.E, grad: { pred: [0, -1 / Math.E] } },
      mean: { value: 0.5 / Math.E, grad: { pred: [0, -0.5 / Math.E] } },
      batchmean: { value: 1 / Math.E, grad: { pred: [0, -1 / Math.E] } },
    },
  },
  'mae: not a number': {
    why: 'PyTorch has sgn(NaN) = 0; losskit lets NaN through',
    instead: {
      sum: { value: 'NaN', grad: { pred: ['NaN', 'NaN', 1] } },
      mean: { value: 'NaN', grad: { pred: ['NaN', 'NaN', 1 / 3] } },
    },
  },
}

/** Losses whose gradient is a difference of terms, of the order of the largest gradient of the case. */
const DIFFERENCES = new Set(['crossEntropy'])

/** Two ulps of float32; in float64 the rounding errors of both sides. */
const TOLERANCE = { float32: { value: 2.4e-7, grad: 1e-6 }, float64: { value: 1e-14, grad: 1e-14 } }

/** PyTorch takes the logarithm of 1 - p and of a sum near 1 in float64, which leaves errors of this size. */
const ABSOLUTE = 4e-15

/** Of precise cases, the least normal number: below it the exponential function gives 0. */
const SMALLEST = { float32: 2 ** -126, float64: 2 ** -1022 }

const folder = new URL('../golden/', import.meta.url)
const goldens = readdirSync(folder).map(
  file => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Golden,
)
const losses = new Map(exportedLosses().map(loss => [loss.lossName, loss as unknown as Callable]))

/** Whether losskit has what the case needs. */
function has(loss: string, { options }: Case): boolean {
  const callable = losses.get(loss)
  if (callable === undefined) return false
  if (!('axis' in options) || !NOT_YET.includes(`${loss}: axis`)) return true
  try {
    callable([[0]], [0], { axis: 1 })
    return true
  } catch {
    return false
  }
}

const isTensor = (option: WrittenOption): option is WrittenTensor =>
  typeof option === 'object' && 'data' in option
const numbers = (written: readonly Written[]): number[] => written.map(Number)
const largest = (of: readonly number[]): number => Math.max(0, ...of.map(Math.abs).filter(Number.isFinite))

function inputOf({ dtype, shape, data }: Case['inputs'][number], type: ComputeType): unknown {
  return { data: dtype === 'int' ? Int32Array.from(numbers(data)) : floats(type, numbers(data)), shape }
}

function optionOf(option: WrittenOption, type: ComputeType): unknown {
  if (Array.isArray(option)) return floats(type, numbers(option))
  if (isTensor(option)) return { data: floats(type, numbers(option.data)), shape: option.shape }
  return /^(NaN|-?Infinity)$/.test(`${option}`) ? Number(option) : option
}

function expectNumbers(
  actual: ArrayLike<number>,
  truth: readonly number[],
  { relative, absolute, scale = 0 }: { relative: number; absolute: number; scale?: number },
  what: string,
): void {
  expect(actual.length, what).toBe(truth.length)
  truth.forEach((expected, i) => {
    const found = actual[i] as number
    if (!Number.isFinite(expected)) {
      expectSame(found, expected, `${what}[${i}]`)
      return
    }
    const allowed = Math.max(relative * Math.max(Math.abs(expected), scale), absolute)
    expect(
      Math.abs(found - expected) <= allowed,
      `${what}[${i}] = ${found} is within ${allowed} of ${expected}`,
    ).toBe(true)
  })
}

it('there are cases for every loss', () => {
  const names = goldens.map(({ loss }) => loss)
  for (const name of losses.keys()) expect(names).toContain(name)
})

it('no case is left out but those of NOT_YET', () => {
  const missing = goldens.flatMap(({ loss, cases }) =>
    losses.has(loss) ? (cases.every(one => has(loss, one)) ? [] : [`${loss}: axis`]) : [loss],
  )
  for (const name of missing) expect(NOT_YET).toContain(name)
})

it('every deviation belongs to a case', () => {
  const names = goldens.flatMap(({ loss, cases }) => cases.map(({ name }) => `${loss}: ${name}`))
  for (const name of Object.keys(DEVIATIONS)) expect(names).toContain(name)
})

const present = goldens
  .map(({ loss, cases }) => ({ loss, cases: cases.filter(one => has(loss, one)) }))
  .filter(({ cases }) => cases.length > 0)

describe.each(present)('$loss', ({ loss: lossName, cases }) => {
  const loss = losses.get(lossName) as Callable

  describe.each(FLOATS)('in %s', type => {
    it.each(cases)('$name', golden => {
      const expected = { ...golden, ...DEVIATIONS[`${lossName}: ${golden.name}`]?.instead }
      const inputs = golden.inputs.map(input => inputOf(input, type))
      const options = Object.fromEntries(
        Object.entries(golden.options).map(([name, option]) => [name, optionOf(option, type)]),
      )
      const tolerance = TOLERANCE[type]
      const absolute = golden.precise ? SMALLEST[type] : ABSOLUTE

      if (expected.none !== null) {
        const { upstream: _, divisor: __, ...forSamples } = options
        const values = loss(...inputs, { ...forSamples, reduction: 'none' })
        expectValues(values, expected.none, { relative: tolerance.value, absolute })
      }

      for (const reduction of ['sum', 'mean', 'batchmean'] as const) {
        const reduced = expected[reduction]
        if (reduced === null || reduced === undefined) continue
        // A sum of signed terms is as near as its terms are.
        const size = expected.none === null ? 0 : largest(Object.values(expected.none).flat().map(Number))
        const by = reduction === 'mean' ? Number(options.divisor ?? 1) : 1
        const asked = { ...options, reduction }
        const { value, grad } = loss.valueAndGrad?.(...inputs, asked) ?? {
          value: loss(...inputs, asked) as number,
          grad: {},
        }
        expectNumbers(
          [value],
          [Number(reduced.value)],
          { relative: tolerance.value, absolute, scale: size / by },
          reduction,
        )
        expect(Object.keys(grad).sort()).toEqual(Object.keys(reduced.grad).sort())
        for (const [key, written] of Object.entries(reduced.grad)) {
          const slopes = numbers(written)
          const scale = DIFFERENCES.has(lossName) ? largest(slopes) : 0
          const allowed = { relative: tolerance.grad, absolute, scale }
          expectNumbers(
            grad[key] as ArrayLike<number>,
            slopes,
            allowed,
            `gradient of the ${reduction}, ${key}`,
          )
        }
      }
    })
  })
})

function expectValues(
  found: unknown,
  written: WrittenValues,
  allowed: { relative: number; absolute: number },
): void {
  if (Array.isArray(written)) {
    expectNumbers(found as ArrayLike<number>, numbers(written), allowed, 'none')
    return
  }
  const kinds = found as Readonly<Record<string, ArrayLike<number>>>
  expect(Object.keys(kinds).sort()).toEqual(Object.keys(written).sort())
  for (const [kind, values] of Object.entries(written)) {
    expectNumbers(kinds[kind] as ArrayLike<number>, numbers(values), allowed, `none, ${kind}`)
  }
}
