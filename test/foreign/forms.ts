/** Every form of a loss, and its results as bits. */

import { expect } from 'vitest'
import { accumulated, bothLater, bothOf, bound, everyOf, gradOf, reduced } from '../support/calls.ts'
import type { Batch } from '../support/every-loss/index.ts'
import type { Floats } from '../support/floats.ts'
import type { AnyLoss } from '../support/losses.ts'

export type Given = Pick<Batch, 'inputs' | 'options'>

export function everyForm(loss: AnyLoss, { inputs, options }: Given): unknown {
  const values = {
    mean: reduced(loss, inputs, options),
    sum: reduced(loss, inputs, { ...options, reduction: 'sum' }),
    'mean of another divisor': reduced(loss, inputs, { ...options, divisor: 7 }),
    accumulated: accumulated(loss, inputs, options).value,
  }
  // A metric has no gradients.
  if (loss.grad === undefined) return { ...values, every: everyOf(loss, inputs, options) }
  const run = bound(loss, inputs, { ...options, grad: true })
  return {
    ...values,
    grad: gradOf(loss, inputs, options),
    both: bothOf(loss, inputs, { ...options, upstream: 0.1 }),
    bound: { value: run(), grad: run.grad },
  }
}

/** Values and gradients of single samples. */
export const everySample = (loss: AnyLoss, { inputs, options }: Given): unknown =>
  everyOf(loss, inputs, options)

export const now = (loss: AnyLoss, { inputs, options }: Given): unknown => bothOf(loss, inputs, options)

export const later = (loss: AnyLoss, { inputs, options }: Given): Promise<unknown> =>
  bothLater(loss, inputs, options)

type Numbers = number | Floats

/** The numbers and arrays in results, each with its place. */
function numbersIn(results: unknown, place: string): [string, Numbers][] {
  if (typeof results === 'number' || ArrayBuffer.isView(results)) return [[place, results as Numbers]]
  return Object.entries(results as object).flatMap(([key, part]) => numbersIn(part, `${place} ${key}`))
}

const arrayOf = (numbers: Numbers): Floats =>
  typeof numbers === 'number' ? Float64Array.of(numbers) : numbers

const bytesOf = ({ buffer, byteOffset, byteLength }: Floats): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)

/** Bit for bit: -0 is not 0, and the last digit counts. NaN does not occur. */
export function expectSameBits(found: unknown, expected: unknown): void {
  const all = numbersIn(found, '')
  const truth = numbersIn(expected, '')
  expect(all.map(([place]) => place)).toEqual(truth.map(([place]) => place))
  truth.forEach(([place, numbers], k) => {
    const a = arrayOf((all[k] as [string, Numbers])[1])
    const b = arrayOf(numbers)
    if (Buffer.compare(bytesOf(a), bytesOf(b)) === 0) return
    const i = b.findIndex((x, at) => !Object.is(x, a[at]))
    expect.fail(`${place} [${i}]: ${a[i]}, not ${b[i]}`)
  })
}
