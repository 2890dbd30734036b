/** multiMargin and multiclassHinge: the margin by which the right class wins. */

import { describe, expect, it } from 'vitest'
import { multiclassHinge as typedHinge, multiMargin as typedMargin } from '../../lib/index.ts'
import { told } from '../lib/thrown.ts'
import { exactQuotient } from '../support/exact.ts'
import { expectAllNear, expectAllSame, expectAllUlps, expectPrinted, expectSame } from '../support/expect.ts'
import { FLOATS, floats, held, matrix } from '../support/floats.ts'
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from '../support/half.ts'
import type { AnyLoss } from '../support/losses.ts'
import { Random } from '../support/random.ts'

const multiMargin = typedMargin as unknown as AnyLoss
const multiclassHinge = typedHinge as unknown as AnyLoss
const inf = Number.POSITIVE_INFINITY

interface Truth {
  readonly value: number
  readonly grad: number[]
}

function marginOf(row: readonly number[], label: number, p: number, margin: number, weight = 1): Truth {
  const classes = row.length
  const right = row[label] as number
  const grad = row.map(() => 0)
  let value = 0
  row.forEach((z, c) => {
    const excess = z - right + margin
    if (c === label || excess <= 0) return
    value += excess ** p
    const slope = (weight / classes) * (p === 1 ? 1 : 2 * excess)
    grad[c] = slope
    grad[label] = (grad[label] as number) - slope
  })
  return { value: (weight * value) / classes, grad }
}

function hingeOf(row: readonly number[], label: number): Truth {
  const wrong = row.map((z, c) => (c === label ? -inf : z))
  const first = wrong.indexOf(Math.max(...wrong))
  const value = Math.max(0, 1 + (wrong[first] as number) - (row[label] as number))
  const slope = value > 0 ? 1 : 0
  return { value, grad: row.map((_, c) => (c === first ? slope : c === label ? -slope : 0)) }
}

describe.each(FLOATS)('in %s', type => {
  const rows = [
    [0.5, -1.25, 2, 0.75],
    [1, 1, 0, -3],
    [-0.5, 0.25, 0.25, 4],
  ]
  const logits = matrix(type, rows)
  const labels = Int32Array.of(0, 1, 2)
  const weight = [1, 2, 0.5, 3]

  it('T47: [.1, .2, .4, .8] with class 3 misses 0.325, and 0.1525 squared', () => {
    const row = matrix(type, [[0.1, 0.2, 0.4, 0.8]])
    expectPrinted(multiMargin(row, [3]), '0.325', type)
    expectPrinted(multiMargin(row, [3], { p: 2 }), '0.1525', type)
  })

  it('multiMargin has the numbers of PyTorch multi_margin_loss, which are exact', () => {
    const linear = multiMargin.valueAndGrad(logits, labels, { margin: 0.75, weight, reduction: 'none' })
    expectAllSame(linear.value, [0.8125, 0.375, 0.65625])
    expectAllSame(linear.grad.logits, [-0.5, 0, 0.25, 0.25, 0.5, -0.5, 0, 0, 0, 0.125, -0.25, 0.125])
    const squared = multiMargin.valueAndGrad(logits, labels, {
      p: 2,
      margin: 0.75,
      weight,
      reduction: 'none',
    })
    expectAllSame(squared.value, [1.515625, 0.28125, 2.6015625])
    expectAllSame(squared.grad.logits, [-1.625, 0, 1.125, 0.5, 0.75, -0.75, 0, 0, 0, 0.1875, -1.3125, 1.125])
  })

  it('the mean of multiMargin divides by the rows, not by the weights', () => {
    const options = { margin: 0.75, weight }
    expectSame(multiMargin(logits, labels, options), exactQuotient([0.8125, 0.375, 0.65625], [3]))
    const { logits: grad } = multiMargin.grad(logits, labels, options)
    const truth = [-0.5, 0, 0.25, 0.25, 0.5, -0.5, 0, 0, 0, 0.125, -0.25, 0.125].map(g => g / 3)
    expectAllNear(grad, truth, type, type === 'float32' ? 1e-7 : 1e-15)
    const accumulator = multiMargin.accumulator(options)
    accumulator.update(logits, labels)
    expectSame(accumulator.value, multiMargin(logits, labels, options))
  })

  it('multiclassHinge is the greatest miss', () => {
    const both = multiclassHinge.valueAndGrad(logits, labels, { reduction: 'none' })
    expectAllSame(both.value, [2.5, 1, 4.75])
    expectAllSame(both.grad.logits, [-1, 0, 1, 0, 1, -1, 0, 0, 0, 0, -1, 1])
  })

  it('all wrong scores may be negative, and the first of several greatest takes the gradient', () => {
    const some = matrix(type, [[0.5, -2, -0.25, -0.25, -0.25]])
    const both = multiclassHinge.valueAndGrad(some, [0])
    expectSame(both.value, 0.25)
    expectAllSame(both.grad.logits, [-1, 0, 1, 0, 0])
  })

  it('at the margin exactly there is no gradient', () => {
    const some = matrix(type, [[1, 0, -5]])
    for (const [loss, options] of [
      [multiMargin, {}],
      [multiMargin, { p: 2 }],
      [multiclassHinge, {}],
    ] as const) {
      const both = loss.valueAndGrad(some, [0], options)
      expectSame(both.value, 0)
      expectAllSame(both.grad.logits, [0, 0, 0])
    }
  })

  describe.each([1, 2, 15, 16, 17, 33, 100, 4096, 5000])('rows of %i classes', classes => {
    const random = new Random(classes)
    const count = classes > 1000 ? 3 : 30
    const data = Array.from({ length: count }, () =>
      held(
        type,
        random.list(classes, () => random.normal()),
      ),
    )
    const target = Int32Array.from(data, () => random.integer(classes))
    const weights = random.list(classes, () => 0.25 * (1 + random.integer(8)))

    it.each([1, 2])('have the multiMargin of power %i', p => {
      for (const margin of [1, 0.5]) {
        const options = { p, margin, weight: weights, reduction: 'none' as const }
        const both = multiMargin.valueAndGrad(matrix(type, data), target, options)
        const truth = data.map((row, r) =>
          marginOf(row, target[r] as number, p, margin, weights[target[r] as number]),
        )
        const values = truth.map(({ value }) => value)
        // In float64 a single excess is a difference that was rounded.
        if (type === 'float32') expectAllUlps(both.value, values, type, 1)
        else expectAllNear(both.value, values, type, 1e-13, { slack: values.map(() => 1e-15) })
        const grad = truth.flatMap(row => row.grad)
        if (type === 'float32') expectAllNear(both.grad.logits, grad, type, 1e-6)
        else expectAllNear(both.grad.logits, grad, type, 1e-13, { slack: grad.map(() => 1e-15) })
      }
    })

    it('have the multiclassHinge', () => {
      const both = multiclassHinge.valueAndGrad(matrix(type, data), target, { reduction: 'none' })
      const truth = data.map((row, r) => hingeOf(row, target[r] as number))
      const values = truth.map(({ value }) => value)
      if (type === 'float32') expectAllUlps(both.value, values, type, 1)
      else expectAllNear(both.value, values, type, 1e-15, { slack: values.map(() => 1e-15) })
      expectAllSame(
        both.grad.logits,
        truth.flatMap(row => row.grad),
      )
    })

    it('may be overwritten by their gradient', () => {
      for (const loss of [multiMargin, multiclassHinge]) {
        const z = matrix(type, data)
        const once = loss.valueAndGrad(z, target)
        const own = z.data.slice()
        const both = loss.valueAndGrad({ data: own, shape: z.shape }, target, { out: { logits: own } })
        expectSame(both.value, once.value)
        expectAllSame(own, once.grad.logits)
      }
    })
  })

  it('the gradients are the slopes', () => {
    if (type === 'float32') return // differences of float32 values have too few digits
    const step = 2 ** -20
    const some = matrix(type, [
      [0.3, -0.2, 0.9, 0.1],
      [1.5, 0.2, -0.7, 1.1],
    ])
    const target = [1, 0]
    for (const [loss, options] of [
      [multiMargin, { weight }],
      [multiMargin, { weight, p: 2 }],
      [multiclassHinge, {}],
    ] as const) {
      const { logits: grad } = loss.grad(some, target, options)
      some.data.forEach((_, i) => {
        const moved = (by: number) => {
          const data = some.data.slice()
          data[i] = (data[i] as number) + by
          return loss({ data, shape: some.shape }, target, options)
        }
        const slope = (moved(step) - moved(-step)) / (2 * step)
        expect(Math.abs(slope - (grad[i] as number))).toBeLessThan(1e-9)
      })
    }
  })

  it('a NaN spoils its own row, where it stands and where it pays', () => {
    const dirty = matrix(type, [rows[0] as number[], [0, Number.NaN, 0.5, 0], rows[2] as number[]])
    for (const wrong of [0, 1]) {
      const target = Int32Array.of(0, wrong, 2)
      for (const loss of [multiMargin, multiclassHinge]) {
        const clean = loss.valueAndGrad(logits, target, { reduction: 'none' })
        const both = loss.valueAndGrad(dirty, target, { reduction: 'none' })
        expectAllSame(both.value, [clean.value[0] as number, Number.NaN, clean.value[2] as number])
        expect(both.grad.logits[4 + wrong]).toBeNaN()
        expect(both.grad.logits[5]).toBeNaN()
        expectAllSame(both.grad.logits.slice(0, 4), clean.grad.logits.slice(0, 4))
        expectAllSame(both.grad.logits.slice(8), clean.grad.logits.slice(8))
      }
    }
  })

  it('infinite scores win or lose without limit', () => {
    const lost = matrix(type, [[0, inf, 0]])
    expectSame(multiMargin(lost, [0]), inf)
    expectAllSame(
      multiMargin.grad(lost, [0], { reduction: 'sum' }).logits.map(g => Math.round(3 * g)),
      [-2, 1, 1],
    )
    expectSame(multiclassHinge(lost, [0]), inf)
    expectAllSame(multiclassHinge.grad(lost, [0]).logits, [-1, 1, 0])
    const won = matrix(type, [[-inf, 0, -inf]])
    expectSame(multiMargin(won, [1]), 0)
    expectSame(multiclassHinge(won, [1]), 0)
    const unsaid = matrix(type, [[inf, inf]]) // infinity less infinity
    expect(multiMargin(unsaid, [0])).toBeNaN()
    expect(multiclassHinge(unsaid, [0])).toBeNaN()
  })

  it('one class alone has nothing to fear', () => {
    for (const z of [3, -inf, inf]) {
      for (const loss of [multiMargin, multiclassHinge]) {
        const both = loss.valueAndGrad(matrix(type, [[z]]), [0])
        expectSame(both.value, 0)
        expectAllSame(both.grad.logits, [0])
      }
    }
  })

  it('no rows are an empty batch', () => {
    const none = { data: floats(type, []), shape: [0, 3] }
    for (const loss of [multiMargin, multiclassHinge]) {
      expect(loss(none, new Int32Array(0))).toBeNaN()
      expect(loss(none, new Int32Array(0), { reduction: 'sum' })).toBe(0)
      expect(loss(none, new Int32Array(0), { onEmpty: 'zero' })).toBe(0)
    }
  })

  it('the incoming gradient and the divisor multiply the gradient', () => {
    for (const loss of [multiMargin, multiclassHinge]) {
      const { logits: plain } = loss.grad(logits, labels, { reduction: 'none' })
      const upstream = floats(type, [2, -1, 0])
      const { logits: grad } = loss.grad(logits, labels, { reduction: 'none', upstream })
      expectAllSame(
        grad,
        Array.from(plain, (g, i) => g * (upstream[i >> 2] as number)),
      )
      const { logits: halved } = loss.grad(logits, labels, { divisor: 8, upstream: 4 })
      expectAllSame(
        halved,
        Array.from(plain, g => g / 2),
      )
    }
  })
})

it('half precision is computed in float32 from what it holds, and only the gradient is rounded', () => {
  const random = new Random(4)
  for (const classes of [9, 60, 5000]) {
    const values = random.list(8 * classes, () => random.normal())
    const labels = Int32Array.from({ length: 8 }, () => random.integer(classes))
    for (const [dtype, to, from] of [
      ['float16', toFloat16, fromFloat16],
      ['bfloat16', toBfloat16, fromBfloat16],
    ] as const) {
      const data = Uint16Array.from(values, to)
      const half = { data, dtype, shape: [8, classes] }
      const wide = { data: Float32Array.from(data, from), shape: [8, classes] }
      for (const loss of [multiMargin, multiclassHinge]) {
        const [a, b] = [loss.valueAndGrad(half, labels), loss.valueAndGrad(wide, labels)]
        expectSame(a.value, b.value)
        expectAllSame(a.grad.logits, Uint16Array.from(b.grad.logits, to))
      }
    }
  }
})

it('refuses what it cannot take', () => {
  const row = { data: Float32Array.of(1, 2, 3), shape: [1, 3] }
  expect(told(() => multiMargin(row, [0], { p: 3 }))).toBe(
    'ERR_OPTION: multiMargin: p is 3. It must be 1 or 2.',
  )
  expect(told(() => multiMargin(row, [0], { margin: inf }))).toContain('ERR_OPTION')
  expect(told(() => multiMargin(row, [0], { weight: [1, 1] }))).toBe(
    'ERR_SHAPE: multiMargin: weight has 2 elements. It must have one element for each of 3 classes.',
  )
  expect(told(() => multiMargin(row, [0], { ignoreIndex: 0 }))).toContain(
    'there is no option ignoreIndex here',
  )
  expect(told(() => multiclassHinge(row, [0], { weight: [1, 1, 1] }))).toContain(
    'there is no option weight here',
  )
  for (const loss of [multiMargin, multiclassHinge]) {
    expect(told(() => loss(row, [-100]))).toContain('A class label must be from 0 to 2.')
    expect(told(() => loss(row, row))).toContain('ERR_DTYPE')
  }
})
