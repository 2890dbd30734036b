/**
 * What PyTorch's float64 autograd gives, case by case. The files are written by scripts/golden/make_golden.py. Where
 * losskit differs on purpose, DEVIATIONS says what it gives instead, and why.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { EVERY_LOSS } from '../support/every-loss.ts'
import { expectSame } from '../support/expect.ts'
import { FLOATS, type Floats, floats } from '../support/floats.ts'
import { exportedLosses } from '../support/losses.ts'

type Written = number | 'NaN' | 'Infinity' | '-Infinity'

interface Case {
  readonly name: string
  readonly input: { readonly shape: number[]; readonly data: Written[] }
  readonly target: { readonly integers: boolean; readonly shape: number[]; readonly data: Written[] }
  readonly options: Record<string, Written | Written[]>
  readonly none: Written[]
  readonly sum: { readonly value: Written; readonly grad: Written[] }
  readonly mean: { readonly value: Written; readonly grad: Written[] }
}

interface Golden {
  readonly loss: string
  readonly cases: Case[]
}

const folder = new URL('../golden/', import.meta.url)
const goldens = readdirSync(folder).map(
  file => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Golden,
)

const numbers = (written: readonly Written[]): number[] => written.map(Number)

/** What losskit gives instead of what PyTorch gives, by case. */
const DEVIATIONS: Record<
  string,
  { readonly why: string; readonly instead: Partial<Pick<Case, 'none' | 'sum' | 'mean'>> }
> = {
  'bceWithLogits: infinite and right': {
    why: 'PyTorch has inf - inf; losskit has the limit, 0',
    instead: {
      none: [0, 0, Math.LN2],
      sum: { value: Math.LN2, grad: [0, 0, -0.5] },
      mean: { value: Math.LN2 / 3, grad: [0, 0, -1 / 6] },
    },
  },
  'bce: ends': {
    why: 'PyTorch holds the 1e-12 below which p (1 - p) is cut off as a float32',
    instead: {
      sum: { value: 325, grad: [0, -1e12, -5e11, 1e12, 0, 7.5e11] },
      mean: { value: 325 / 6, grad: [0, -1e12 / 6, -5e11 / 6, 1e12 / 6, 0, 1.25e11] },
    },
  },
  'bce: near the ends': {
    why: 'PyTorch holds the 1e-12 below which p (1 - p) is cut off as a float32',
    instead: {
      sum: {
        value: 137.43092478988487,
        grad: [-1e12, 2 ** -60 / 1e-12, -(2 ** 30), 2 ** 24, -1.0009775171065494],
      },
      mean: {
        value: 27.486184957976974,
        grad: [-2e11, 2 ** -60 / 5e-12, -(2 ** 30) / 5, 2 ** 24 / 5, -0.20019550342130987],
      },
    },
  },
  'crossEntropy: an ignored row that is not a number': {
    why: 'PyTorch multiplies NaN by 0; an ignored row of losskit has gradient 0',
    instead: {
      sum: { value: 0.31326168751822286, grad: [0, 0, 0.2689414213699951, -0.2689414213699951] },
      mean: { value: 0.31326168751822286, grad: [0, 0, 0.2689414213699951, -0.2689414213699951] },
    },
  },
  'mae: not a number': {
    why: 'PyTorch has sgn(NaN) = 0; losskit lets NaN through',
    instead: {
      sum: { value: 'NaN', grad: ['NaN', 'NaN', 1] },
      mean: { value: 'NaN', grad: ['NaN', 'NaN', 1 / 3] },
    },
  },
}

/** Losses whose gradient is a difference of terms, of the order of the largest gradient of the case. */
const DIFFERENCES = new Set(['bceWithLogits', 'crossEntropy'])

/** Two ulps of float32; in float64 the rounding errors of both sides. */
const TOLERANCE = { float32: { value: 2.4e-7, grad: 1e-6 }, float64: { value: 1e-14, grad: 1e-14 } }

/** PyTorch takes the logarithm of 1 - p and of a sum near 1 in float64, which leaves errors of this size. */
const ABSOLUTE = 4e-15

function expectNumbers(
  actual: ArrayLike<number>,
  truth: readonly number[],
  relative: number,
  scale: number,
  what: string,
): void {
  expect(actual.length, what).toBe(truth.length)
  truth.forEach((expected, i) => {
    const found = actual[i] as number
    if (!Number.isFinite(expected)) {
      expectSame(found, expected, `${what}[${i}]`)
      return
    }
    const allowed = Math.max(relative * Math.max(Math.abs(expected), scale), ABSOLUTE)
    expect(
      Math.abs(found - expected) <= allowed,
      `${what}[${i}] = ${found} is within ${allowed} of ${expected}`,
    ).toBe(true)
  })
}

it('there are cases for every loss', () => {
  expect(goldens.map(golden => golden.loss).sort()).toEqual(
    exportedLosses()
      .map(loss => loss.lossName)
      .sort(),
  )
})

it('every deviation belongs to a case', () => {
  const names = goldens.flatMap(({ loss, cases }) => cases.map(({ name }) => `${loss}: ${name}`))
  for (const name of Object.keys(DEVIATIONS)) expect(names).toContain(name)
})

describe.each(goldens)('$loss', ({ loss: lossName, cases }) => {
  const entry = EVERY_LOSS.find(({ loss }) => loss.lossName === lossName)
  if (entry === undefined) throw new Error(`no loss is named ${lossName}`)
  const { loss, key } = entry

  describe.each(FLOATS)('in %s', type => {
    it.each(cases)('$name', golden => {
      const expected = { ...golden, ...DEVIATIONS[`${lossName}: ${golden.name}`]?.instead }
      const input = { data: floats(type, numbers(golden.input.data)), shape: golden.input.shape }
      const targets = numbers(golden.target.data)
      const target = golden.target.integers
        ? Int32Array.from(targets)
        : { data: floats(type, targets), shape: golden.target.shape }
      const options = Object.fromEntries(
        Object.entries(golden.options).map(([name, value]) => [
          name,
          Array.isArray(value) ? floats(type, numbers(value)) : Number(value),
        ]),
      )
      const { value: valueTolerance, grad: gradTolerance } = TOLERANCE[type]

      const { upstream: _, divisor: __, ...forSamples } = options
      const values = loss(input, target, { ...forSamples, reduction: 'none' })
      expectNumbers(values, numbers(expected.none), valueTolerance, 0, 'none')

      for (const reduction of ['sum', 'mean'] as const) {
        const { value, grad } = loss.valueAndGrad(input, target, { ...options, reduction })
        const slopes = numbers(expected[reduction].grad)
        const scale = DIFFERENCES.has(lossName)
          ? Math.max(0, ...slopes.map(Math.abs).filter(Number.isFinite))
          : 0
        // A sum of signed terms is as near as its terms are.
        const size = Math.max(0, ...numbers(expected.none).map(Math.abs).filter(Number.isFinite))
        const by = reduction === 'mean' ? Number(options.divisor ?? 1) : 1
        expectNumbers([value], [Number(expected[reduction].value)], valueTolerance, size / by, reduction)
        expectNumbers(grad[key] as Floats, slopes, gradTolerance, scale, `gradient of the ${reduction}`)
      }
    })
  })
})
