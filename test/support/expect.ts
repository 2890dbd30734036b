/** Comparisons that say what they allow, and where the first difference is. */

import { expect } from 'vitest'
import { type ComputeType, ulp, ulpsApart } from './ulp.ts'

/** Equal numbers; NaN equals NaN, and a zero has no sign. */
export function expectSame(actual: number, expected: number, what = 'value'): void {
  if (Number.isNaN(expected)) expect(actual, what).toBeNaN()
  else expect(actual + 0, what).toBe(expected + 0)
}

export function expectAllSame(actual: ArrayLike<number>, expected: ArrayLike<number>, what = 'array'): void {
  expect(actual.length, `length of ${what}`).toBe(expected.length)
  for (let i = 0; i < expected.length; i++) {
    const a = actual[i] as number
    const b = expected[i] as number
    if (a !== b && !(Number.isNaN(a) && Number.isNaN(b))) expectSame(a, b, `${what}[${i}]`)
  }
}

/** At most `ulps` units in the last place of `type` away from the truth. */
export function expectUlps(
  actual: number,
  truth: number,
  type: ComputeType,
  ulps: number,
  what = 'value',
): void {
  const apart = ulpsApart(actual, truth, type)
  expect(apart, `ulps between ${what} = ${actual} and ${truth}`).toBeLessThanOrEqual(ulps)
}

export interface Allowed {
  /** Where the truth is a difference of larger terms: what errors are relative to. */
  readonly scale?: ArrayLike<number>
  /** What an error may be beyond that, from a rounding that is named. */
  readonly slack?: ArrayLike<number>
  readonly what?: string
}

export function expectAllUlps(
  actual: ArrayLike<number>,
  truth: ArrayLike<number>,
  type: ComputeType,
  ulps: number,
  { slack, what = 'array' }: Omit<Allowed, 'scale'> = {},
): void {
  expect(actual.length, `length of ${what}`).toBe(truth.length)
  for (let i = 0; i < truth.length; i++) {
    const expected = truth[i] as number
    const apart = ulpsApart(actual[i] as number, expected, type)
    const allowed = ulps + (slack === undefined ? 0 : (slack[i] as number) / ulp(expected, type))
    if (apart !== 0 && !(apart <= allowed))
      expectUlps(actual[i] as number, expected, type, allowed, `${what}[${i}]`)
  }
}

/** Within `relative` of the truth. */
export function expectAllNear(
  actual: ArrayLike<number>,
  truth: ArrayLike<number>,
  type: ComputeType,
  relative: number,
  { scale = truth, slack, what = 'array' }: Allowed = {},
): void {
  expect(actual.length, `length of ${what}`).toBe(truth.length)
  const smallest = ulp(0, type)
  for (let i = 0; i < truth.length; i++) {
    const a = actual[i] as number
    const b = truth[i] as number
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue
    const size = Math.max(Math.abs(b), Math.abs(scale[i] as number))
    const allowed = Math.max(relative * size + (slack?.[i] ?? 0), smallest)
    const within = Math.abs(a - b) <= allowed && Number.isFinite(b)
    if (!within) expect.fail(`${what}[${i}] = ${a} is not within ${allowed} of ${b}`)
  }
}

/**
 * A number as a document prints it: half a unit of the last digit printed, and two ulps of the computation.
 */
export function expectPrinted(
  actual: number | undefined,
  printed: string,
  type: ComputeType,
  what = 'value',
): void {
  const match = /^(-?\d+(?:\.(\d+))?)(?:e([+-]?\d+))?$/.exec(printed)
  if (match === null) throw new Error(`${printed} is not a printed number`)
  const truth = Number(printed)
  const decimals = (match[2] ?? '').length - Number(match[3] ?? 0)
  const cutOff = match[2] === undefined ? 0 : 0.5 * 10 ** -decimals
  const allowed = cutOff + 2 * ulp(truth, type)
  const within = actual !== undefined && Math.abs(actual - truth) <= allowed
  expect(within, `${what} = ${actual} is ${printed} within ${allowed}`).toBe(true)
}

export function expectAllPrinted(
  actual: ArrayLike<number>,
  printed: readonly string[],
  type: ComputeType,
  what = 'array',
): void {
  expect(actual.length, `length of ${what}`).toBe(printed.length)
  printed.forEach((text, i) => {
    expectPrinted(actual[i], text, type, `${what}[${i}]`)
  })
}

/** What a call throws, which has to be an error with this code. */
export function expectCode(call: () => unknown, code: string): Error & Record<string, unknown> {
  let thrown: unknown
  try {
    call()
  } catch (error) {
    thrown = error
  }
  expect(thrown, `the error ${code}`).toBeInstanceOf(Error)
  const error = thrown as Error & Record<string, unknown>
  expect(error.code, error.message).toBe(code)
  return error
}
