/** Rows of every width: vectors across rows, lanes within a row, rows in several pieces. */

import { describe, expect, it } from 'vitest'
import { slackOf } from '../support/every-loss/index.ts'
import { exactQuotient } from '../support/exact.ts'
import { expectAllNear, expectAllSame, expectAllUlps, expectSame } from '../support/expect.ts'
import { FLOATS, floats, rowsOf } from '../support/floats.ts'
import { crossEntropy, nll } from '../support/losses.ts'
import { Random } from '../support/random.ts'
import * as reference from '../support/reference/index.ts'
import type { ComputeType } from '../support/ulp.ts'

/** Classes, rows. */
const SHAPES = [
  [1, 40],
  [2, 300],
  [3, 65],
  [4, 64],
  [7, 33],
  [10, 300],
  [15, 20],
  [16, 20],
  [17, 20],
  [31, 70],
  [32, 70],
  [33, 70],
  [64, 9],
  [1000, 12],
  [4095, 3],
  [4096, 3],
  [4097, 3],
  [50_000, 2],
  [2 ** 20, 1],
] as const

const ULPS = { float32: 2, float64: 16 }
const RELATIVE = { float32: 1e-6, float64: 2e-14 }

function expectTruth(
  both: { value: ArrayLike<number>; grad: { logits: ArrayLike<number> } },
  truth: reference.Row[],
  type: ComputeType,
): void {
  const slack = slackOf(truth, type)
  const values = truth.map(row => row.value)
  const grad = truth.flatMap(row => row.grad)
  const scale = truth.flatMap(row => row.scale)
  expectAllUlps(both.value, values, type, ULPS[type], { slack: slack.values, what: 'values' })
  expectAllNear(both.grad.logits, grad, type, RELATIVE[type], { scale, slack: slack.grad, what: 'gradient' })
}

describe.each(FLOATS)('in %s', type => {
  describe.each(SHAPES)('rows of %i classes', (classes, rows) => {
    const random = new Random(classes)
    const z = floats(
      type,
      random.list(rows * classes, () => 3 * random.normal()),
    )
    const logits = { data: z, shape: [rows, classes] }
    const labels = Int32Array.from(random.list(rows, () => random.integer(classes)))
    const weight = floats(
      type,
      random.list(classes, () => 0.25 * (1 + random.integer(12))),
    )
    const options = [{}, { weight: Array.from(weight), labelSmoothing: 0.125 }]

    it('have the cross-entropy of their labels', () => {
      for (const option of options) {
        const truth = rowsOf(z, classes).map((row, r) =>
          reference.crossEntropyOfIndex(row, labels[r] as number, option),
        )
        const given = option.weight === undefined ? {} : { ...option, weight }
        const both = crossEntropy.valueAndGrad(logits, labels, { ...given, reduction: 'none' })
        expectTruth(both, truth, type)
        const masses = Array.from(labels, label => option.weight?.[label] ?? 1)
        expectSame(crossEntropy(logits, labels, given), exactQuotient(both.value, masses))
      }
    })

    it('have the cross-entropy of their probabilities', () => {
      const q = floats(
        type,
        random.list(rows * classes, () => random.uniform() / classes),
      )
      const target = { data: q, shape: [rows, classes] }
      for (const option of options) {
        const truth = rowsOf(z, classes).map((row, r) =>
          reference.crossEntropyOfProbabilities(row, rowsOf(q, classes)[r] as number[], option),
        )
        const given = option.weight === undefined ? {} : { ...option, weight }
        const both = crossEntropy.valueAndGrad(logits, target, { ...given, reduction: 'none' })
        expectTruth(both, truth, type)
        expectSame(crossEntropy(logits, target, given), exactQuotient(both.value, [rows]))
      }
    })

    it('have the nll of their labels', () => {
      const picked = Array.from(labels, (label, r) => -(z[r * classes + label] as number))
      expectAllSame(nll(logits, labels, { reduction: 'none' }), picked)
      const expected = new Float64Array(rows * classes)
      labels.forEach((label, r) => {
        expected[r * classes + label] = -1
      })
      expectAllSame(nll.grad(logits, labels, { reduction: 'sum' }).logProbs, expected)
    })

    it('keep the small loss of a confident row, wherever the class stands', () => {
      for (const label of new Set([0, Math.floor(classes / 2), classes - 1])) {
        const data = floats(type, new Array(classes).fill(-40))
        data[label] = 0
        const one = { data, shape: [1, classes] }
        const { value, grad } = crossEntropy.valueAndGrad(one, Int32Array.of(label))
        // log1p((C - 1) e^-40)
        const rest = (classes - 1) * Math.exp(-40)
        const loss = Math.log1p(rest)
        expectAllNear([value], [loss], type, RELATIVE[type])
        const expected = new Array(classes).fill(Math.exp(-40) / (1 + rest))
        expected[label] = -rest / (1 + rest)
        expectAllNear(grad.logits, expected, type, 4 * RELATIVE[type])
      }
    })

    it('may be overwritten by their gradient', () => {
      const data = z.slice() as typeof z
      const inPlace = { data, shape: [rows, classes] }
      const both = crossEntropy.valueAndGrad(inPlace, labels, { out: { logits: data } })
      expect(both.grad.logits).toBe(data)
      expectSame(both.value, crossEntropy(logits, labels))
      expectAllSame(data, crossEntropy.grad(logits, labels).logits)
    })
  })

  it('a row is in its batch what it is alone, whichever rows before it are ignored', () => {
    const rows = 7
    const random = new Random(512)
    for (const classes of [511, 512, 513, 544, 1000, 4095, 4096, 4097, 4608, 9000]) {
      // Rows of very different sizes: the largest score of one is useless for another.
      const z = floats(
        type,
        random.list(rows * classes, () => 3 * random.normal()),
      )
      for (const i of z.keys()) z[i] = (z[i] as number) + 60 * (Math.floor(i / classes) % 3)
      // The largest is the first, the last, or somewhere.
      for (let r = 0; r < rows; r++)
        z[r * classes + ([0, classes - 1][r] ?? random.integer(classes))] = 150 + r
      const labels = Int32Array.from({ length: rows }, (_, r) =>
        r === 2 || r === 5 ? -100 : random.integer(classes),
      )
      const batch = { data: z.slice(), shape: [rows, classes] }
      const options = { reduction: 'none' } as const
      const both = crossEntropy.valueAndGrad(batch, labels, options)
      const alone = rowsOf(z, classes).map((row, r) =>
        crossEntropy.valueAndGrad(
          { data: floats(type, row), shape: [1, classes] },
          labels.slice(r, r + 1),
          options,
        ),
      )
      for (const [r, { value, grad }] of alone.entries()) {
        expectSame(both.value[r] as number, value[0] as number)
        expectAllSame(both.grad.logits.slice(r * classes, (r + 1) * classes), grad.logits)
      }
      const inPlace = crossEntropy.valueAndGrad(batch, labels, { ...options, out: { logits: batch.data } })
      expectAllSame(inPlace.value, both.value)
      expectAllSame(batch.data, both.grad.logits)
    }
  })

  it('a row that is not finite spoils no other row, at any width', () => {
    for (const classes of [2, 10, 33, 1000, 5000]) {
      const rows = 5
      const random = new Random(classes)
      const z = floats(
        type,
        random.list(rows * classes, () => random.normal()),
      )
      const labels = Int32Array.from(random.list(rows, () => random.integer(classes)))
      const clean = crossEntropy.valueAndGrad({ data: z, shape: [rows, classes] }, labels, {
        reduction: 'none',
      })
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
        for (const column of [0, classes - 1, classes >> 1]) {
          const data = z.slice() as typeof z
          data[2 * classes + column] = bad
          const dirty = crossEntropy.valueAndGrad({ data, shape: [rows, classes] }, labels, {
            reduction: 'none',
          })
          const values = Array.from(clean.value)
          values[2] = Number.NaN
          expectAllSame(dirty.value, values)
          const gradient = Array.from(clean.grad.logits).fill(Number.NaN, 2 * classes, 3 * classes)
          expectAllSame(dirty.grad.logits, gradient)
        }
      }
    }
  })

  it('-inf takes its class out of the row, at any width', () => {
    for (const classes of [3, 10, 33, 5000]) {
      const random = new Random(classes)
      const z = random.list(classes, () => random.normal())
      const without = floats(type, z.slice(0, classes - 1))
      for (const place of [0, 1, classes - 1]) {
        const spread = Array.from(without)
        spread.splice(place, 0, Number.NEGATIVE_INFINITY)
        const label = place === 0 ? 1 : 0
        const row = { data: floats(type, spread), shape: [1, classes] }
        const truth = reference.crossEntropyOfIndex(spread, label)
        const both = crossEntropy.valueAndGrad(row, Int32Array.of(label))
        expectTruth({ value: [both.value], grad: both.grad }, [truth], type)
        expectSame(both.grad.logits[place] as number, 0)
      }
    }
  })

  it('rows far from zero are as exact as rows near it', () => {
    for (const classes of [2, 10, 33, 5000]) {
      const random = new Random(classes)
      // multiples of 1/8 below 8: exact after any of these shifts
      const z = random.list(classes, () => random.integer(64) / 8)
      const near = crossEntropy.valueAndGrad({ data: floats(type, z), shape: [1, classes] }, Int32Array.of(1))
      for (const shift of [-1e6, 1e6, 4096]) {
        const data = floats(
          type,
          z.map(value => value + shift),
        )
        const far = crossEntropy.valueAndGrad({ data, shape: [1, classes] }, Int32Array.of(1))
        expectSame(far.value, near.value)
        expectAllSame(far.grad.logits, near.grad.logits)
      }
    }
  })
})
