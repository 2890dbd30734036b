/** multilabelMargin and multilabelSoftMargin: rows of which any number of classes are right. */

import { describe, expect, it } from 'vitest'
import {
  bceWithLogits,
  multilabelMargin as typedMargin,
  multilabelSoftMargin as typedSoftMargin,
} from '../../lib/index.ts'
import { told } from '../lib/thrown.ts'
import {
  expectAllNear,
  expectAllPrinted,
  expectAllSame,
  expectAllUlps,
  expectPrinted,
  expectSame,
} from '../support/expect.ts'
import { FLOATS, floats, held, matrix } from '../support/floats.ts'
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from '../support/half.ts'
import type { AnyLoss } from '../support/losses.ts'
import { Random } from '../support/random.ts'

const multilabelMargin = typedMargin as unknown as AnyLoss
const multilabelSoftMargin = typedSoftMargin as unknown as AnyLoss
const inf = Number.POSITIVE_INFINITY

interface Truth {
  readonly value: number
  readonly grad: number[]
}

function marginOf(row: readonly number[], list: readonly number[]): Truth {
  const end = list.indexOf(-1)
  const right = end < 0 ? list : list.slice(0, end)
  const grad = row.map(() => 0)
  let value = 0
  for (const j of right) {
    row.forEach((z, c) => {
      const excess = z - (row[j] as number) + 1
      if (right.includes(c) || excess <= 0) return
      value += excess
      grad[c] = (grad[c] as number) + 1
      grad[j] = (grad[j] as number) - 1
    })
  }
  return { value: value / row.length, grad: grad.map(g => g / row.length) }
}

function softMarginOf(row: readonly number[], t: readonly number[], weight: readonly number[] = []): Truth {
  const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))
  const terms = row.map((x, c) => {
    const [w, tc] = [weight[c] ?? 1, t[c] as number]
    return {
      value: w * ((1 - tc) * softplus(x) + tc * softplus(-x)),
      grad: (w * ((1 - tc) * sigmoid(x) - tc * sigmoid(-x))) / row.length,
    }
  })
  return { value: terms.reduce((a, b) => a + b.value, 0) / row.length, grad: terms.map(({ grad }) => grad) }
}

const labelled = (rows: readonly (readonly number[])[]) => ({
  data: Int32Array.from(rows.flat()),
  shape: [rows.length, rows[0]?.length ?? 0],
})

describe.each(FLOATS)('in %s', type => {
  const rows = [
    [0.5, -1.25, 2, 0.75],
    [1, 1, 0, -3],
    [-0.5, 0.25, 0.25, 4],
  ]
  const pred = matrix(type, rows)
  const lists = labelled([
    [2, 0, -1, 1],
    [3, 3, -1, 0],
    [-1, 1, 2, 3],
  ])
  const weight = [1, 2, 0.5, 3]

  it('T48: of [.1, .2, .4, .8] with classes 3 and 0 it is 0.85; what follows -1 is not read', () => {
    expectPrinted(
      multilabelMargin(matrix(type, [[0.1, 0.2, 0.4, 0.8]]), labelled([[3, 0, -1, 1]])),
      '0.85',
      type,
    )
  })

  it('multilabelMargin has the numbers of PyTorch multilabel_margin_loss, which are exact', () => {
    const both = multilabelMargin.valueAndGrad(pred, lists, { reduction: 'none' })
    expectAllSame(both.value, [0.3125, 7, 0])
    // Class 3 is listed twice in the second row; nothing is in the third.
    expectAllSame(both.grad.pred, [-0.25, 0, 0, 0.25, 0.5, 0.5, 0.5, -1.5, 0, 0, 0, 0])
  })

  it('multilabelSoftMargin has the numbers of PyTorch multilabel_soft_margin_loss', () => {
    const target = matrix(type, [
      [1, 0, 0.25, 0],
      [1, 1, 0, 0],
      [0, 0, 0, 1],
    ])
    const both = multilabelSoftMargin.valueAndGrad(pred, target, { weight, reduction: 'none' })
    expectAllPrinted(both.value, ['1.3005030426842596', '0.3580301768889669', '0.6483438294076612'], type)
    const truth = [-0.09438516719953637, 0.11135006941265442, 0.07884963474723532, 0.5093840243815447]
    expectAllNear(both.grad.pred.slice(0, 4), truth, type, type === 'float32' ? 1e-6 : 1e-14)
  })

  it('lists may be of any signed integer type, and of plain numbers', () => {
    const expected = multilabelMargin(pred, lists)
    for (const Kind of [Int8Array, Int16Array]) {
      expectSame(multilabelMargin(pred, { data: Kind.from(lists.data), shape: [3, 4] }), expected)
    }
    const big = BigInt64Array.from(Array.from(lists.data, BigInt))
    expectSame(multilabelMargin(pred, { data: big, shape: [3, 4] }), expected)
    expectSame(multilabelMargin(pred, lists.data), expected)
    expectSame(multilabelMargin([[0.5, -1.25, 2, 0.75]], [[2, 0, -1, 1]]), 0.3125)
  })

  describe.each([1, 2, 15, 16, 17, 33, 100, 4097])('rows of %i classes', classes => {
    const random = new Random(classes)
    const count = classes > 1000 ? 3 : 20
    const data = Array.from({ length: count }, () =>
      held(
        type,
        random.list(classes, () => random.normal()),
      ),
    )

    it('have the multilabelMargin of their lists', () => {
      const some = data.map(() => {
        const list = random.list(classes, () => random.integer(classes))
        const length = random.integer(Math.min(classes, 9) + 1)
        if (length < classes) list[length] = -1
        return list
      })
      const both = multilabelMargin.valueAndGrad(matrix(type, data), labelled(some), { reduction: 'none' })
      const truth = data.map((row, r) => marginOf(row, some[r] as number[]))
      const values = truth.map(({ value }) => value)
      if (type === 'float32') expectAllUlps(both.value, values, type, 1)
      else expectAllNear(both.value, values, type, 1e-13, { slack: values.map(() => 1e-15) })
      expectAllNear(
        both.grad.pred,
        truth.flatMap(row => row.grad),
        type,
        type === 'float32' ? 1e-6 : 1e-14,
      )
    })

    it('have the multilabelSoftMargin of their targets', () => {
      const targets = data.map(() =>
        held(
          type,
          random.list(classes, () => (random.integer(2) === 0 ? random.integer(2) : random.uniform())),
        ),
      )
      const weights = random.list(classes, () => 0.25 * (1 + random.integer(8)))
      const options = { weight: weights, reduction: 'none' as const }
      const both = multilabelSoftMargin.valueAndGrad(matrix(type, data), matrix(type, targets), options)
      const truth = data.map((row, r) => softMarginOf(row, targets[r] as number[], weights))
      const values = truth.map(({ value }) => value)
      if (type === 'float32') expectAllUlps(both.value, values, type, 2)
      else expectAllNear(both.value, values, type, 1e-14)
      const grad = truth.flatMap(row => row.grad)
      const scale = data.flatMap((row, r) =>
        row.map((x, c) => {
          const [t, s] = [targets[r]?.[c] as number, 1 / (1 + Math.exp(-x))]
          return ((weights[c] as number) * ((1 - t) * s + t * (1 - s))) / classes
        }),
      )
      expectAllNear(both.grad.pred, grad, type, type === 'float32' ? 1e-6 : 1e-14, { scale })
    })

    it('may be overwritten by their gradient', () => {
      const own = matrix(type, data)
      const targets = labelled(data.map(row => row.map((_, c) => (c === 0 ? 0 : -1))))
      const ones = labelled(data.map(row => row.map((_, c) => c % 2)))
      for (const [loss, target] of [
        [multilabelMargin, targets],
        [multilabelSoftMargin, ones],
      ] as const) {
        const once = loss.valueAndGrad(own, target)
        const copy = own.data.slice()
        const both = loss.valueAndGrad({ data: copy, shape: own.shape }, target, { out: { pred: copy } })
        expectSame(both.value, once.value)
        expectAllSame(copy, once.grad.pred)
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
    for (const [loss, target, options] of [
      [
        multilabelMargin,
        labelled([
          [1, 0, -1, 0],
          [2, -1, 0, 0],
        ]),
        {},
      ],
      [
        multilabelSoftMargin,
        labelled([
          [1, 0, 1, 0],
          [0, 0, 1, 1],
        ]),
        { weight },
      ],
    ] as const) {
      const { pred: grad } = loss.grad(some, target, options)
      some.data.forEach((_, i) => {
        const moved = (by: number) => {
          const data = some.data.slice()
          data[i] = (data[i] as number) + by
          return loss({ data, shape: some.shape }, target, options)
        }
        const slope = (moved(step) - moved(-step)) / (2 * step)
        expect(Math.abs(slope - ((grad[i] as number) ?? 0))).toBeLessThan(1e-9)
      })
    }
  })

  it('at the margin exactly there is no gradient', () => {
    const both = multilabelMargin.valueAndGrad(matrix(type, [[1, 0, -5]]), labelled([[0, -1, 0]]))
    expectSame(both.value, 0)
    expectAllSame(both.grad.pred, [0, 0, 0])
  })

  it('rows in which every class is right, or none, have no margin', () => {
    const none = multilabelMargin.valueAndGrad(pred, labelled(rows.map(() => [-1, 0, 1, 2])))
    expectSame(none.value, 0)
    expectAllSame(none.grad.pred, new Array(12).fill(0))
    const all = multilabelMargin.valueAndGrad(pred, labelled(rows.map(() => [0, 1, 2, 3])))
    expectSame(all.value, 0)
    expectAllSame(all.grad.pred, new Array(12).fill(0))
  })

  it('the mean divides by the rows, weighted or not', () => {
    const ones = labelled(rows.map(() => [1, 0, 0, 1]))
    for (const options of [{}, { weight }]) {
      const values = multilabelSoftMargin(pred, ones, { ...options, reduction: 'none' })
      const mean = multilabelSoftMargin(pred, ones, options)
      expectAllNear([mean], [Array.from(values).reduce((a, b) => a + b) / 3], 'float64', 1e-15)
      const accumulator = multilabelSoftMargin.accumulator(options)
      expectSame(accumulator.update(pred, ones).update(pred, ones).value, mean)
    }
    expectAllNear(
      [multilabelSoftMargin(pred, ones)],
      [(bceWithLogits as unknown as AnyLoss)(pred, ones)],
      type,
      type === 'float32' ? 2e-7 : 1e-15,
    )
  })

  it('a NaN spoils its own row, infinities are their limits', () => {
    const dirty = matrix(type, [rows[0] as number[], [1, Number.NaN, 0, -3], rows[2] as number[]])
    const ones = labelled(rows.map(() => [1, 0, 0, 1]))
    const [a, b] = [
      multilabelMargin.valueAndGrad(dirty, lists, { reduction: 'none' }),
      multilabelSoftMargin.valueAndGrad(dirty, ones, { reduction: 'none' }),
    ]
    expectAllSame(a.value, [0.3125, Number.NaN, 0])
    for (const i of [5, 7]) expect(a.grad.pred[i]).toBeNaN()
    expect(b.value[1]).toBeNaN()
    expect(b.grad.pred[5]).toBeNaN()
    expect(Array.from(b.grad.pred).filter(Number.isNaN).length).toBe(1)
    const sure = matrix(type, [[inf, -inf, -inf, inf]])
    const both = multilabelSoftMargin.valueAndGrad(sure, labelled([[1, 0, 0, 1]]))
    expectSame(both.value, 0)
    expectAllSame(both.grad.pred, [0, 0, 0, 0])
    expectSame(multilabelSoftMargin(sure, labelled([[1, 0, 1, 1]])), inf)
    expectSame(multilabelMargin(sure, labelled([[0, 3, -1, -1]])), 0)
    expectSame(multilabelMargin(matrix(type, [[inf, 0]]), labelled([[1, -1]])), inf)
  })

  it('the incoming gradient and the divisor multiply the gradient', () => {
    const ones = labelled(rows.map(() => [1, 0, 0, 1]))
    for (const [loss, target] of [
      [multilabelMargin, lists],
      [multilabelSoftMargin, ones],
    ] as const) {
      const { pred: plain } = loss.grad(pred, target, { reduction: 'sum' })
      const upstream = floats(type, [2, -1, 0])
      const { pred: grad } = loss.grad(pred, target, { reduction: 'none', upstream })
      expectAllSame(
        grad,
        Array.from(plain, (g, i) => g * (upstream[i >> 2] as number)),
      )
      const { pred: halved } = loss.grad(pred, target, { divisor: 8, upstream: 4 })
      expectAllSame(
        halved,
        Array.from(plain, g => g / 2),
      )
    }
  })

  it('no rows are an empty batch', () => {
    const none = { data: floats(type, []), shape: [0, 3] }
    for (const loss of [multilabelMargin, multilabelSoftMargin]) {
      const target = { data: new Int32Array(0), shape: [0, 3] }
      expect(loss(none, target)).toBeNaN()
      expect(loss(none, target, { reduction: 'sum' })).toBe(0)
      expect(loss(none, target, { onEmpty: 'zero' })).toBe(0)
    }
  })

  it('one row may be of one dimension', () => {
    const row = { data: floats(type, [0.5, -1.25, 2, 0.75]), shape: [4] }
    expectSame(multilabelMargin(row, { data: Int32Array.of(2, 0, -1, 1), shape: [4] }), 0.3125)
  })
})

it('half precision is computed in float32 from what it holds, and only the gradient is rounded', () => {
  const random = new Random(4)
  for (const classes of [9, 60, 5000]) {
    const values = random.list(4 * classes, () => random.normal())
    const lists = {
      data: Int32Array.from(values, (_, i) => (i % classes < 3 ? random.integer(classes) : -1)),
      shape: [4, classes],
    }
    const ones = { data: Uint8Array.from(values, () => random.integer(2)), shape: [4, classes] }
    for (const [dtype, to, from] of [
      ['float16', toFloat16, fromFloat16],
      ['bfloat16', toBfloat16, fromBfloat16],
    ] as const) {
      const data = Uint16Array.from(values, to)
      const half = { data, dtype, shape: [4, classes] }
      const wide = { data: Float32Array.from(data, from), shape: [4, classes] }
      for (const [loss, target] of [
        [multilabelMargin, lists],
        [multilabelSoftMargin, ones],
      ] as const) {
        const [a, b] = [loss.valueAndGrad(half, target), loss.valueAndGrad(wide, target)]
        expectSame(a.value, b.value)
        expectAllSame(a.grad.pred, Uint16Array.from(b.grad.pred, to))
      }
    }
  }
})

it('refuses what it cannot take', () => {
  const pred = { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3] }
  const list = (...numbers: number[]) => ({ data: Int32Array.from(numbers), shape: [2, 3] })
  expect(told(() => multilabelMargin(pred, list(0, 3, -1, 0, 0, 0)))).toBe(
    'ERR_LABEL: multilabelMargin: target[1] is 3. A class must be from 0 to 2; -1 ends a list that is shorter than its row.',
  )
  // Behind the end too, as in PyTorch.
  expect(told(() => multilabelMargin.grad(pred, list(0, -1, 0, -1, 0, -2)))).toContain('target[5] is -2.')
  expect(told(() => multilabelMargin(pred, pred))).toContain(
    'ERR_DTYPE: multilabelMargin: target is float32.',
  )
  for (const loss of [multilabelMargin, multilabelSoftMargin]) {
    expect(told(() => loss(pred, Int32Array.of(0, 1)))).toContain('ERR_SHAPE')
    expect(told(() => loss(pred, { data: new Int32Array(6), shape: [3, 2] }))).toContain('ERR_SHAPE')
    expect(told(() => loss(pred.data, new Int32Array(6)))).toContain('which does not tell rows from classes')
    expect(told(() => loss({ data: pred.data, shape: [1, 2, 3] }, new Int32Array(6)))).toContain(
      'It must be [rows, classes], or [classes] for one row.',
    )
    expect(told(() => loss({ data: new Float32Array(0), shape: [2, 0] }, new Int32Array(0)))).toContain(
      'A row must have at least one class.',
    )
    expect(told(() => loss(Int32Array.of(1), Int32Array.of(1)))).toContain('ERR_DTYPE')
  }
  expect(told(() => multilabelSoftMargin(pred, list(0, 0, 0, 0, 0, 0), { weight: [1, 2] }))).toBe(
    'ERR_SHAPE: multilabelSoftMargin: weight has 2 elements. It must have one element for each of 3 classes.',
  )
  expect(told(() => multilabelMargin(pred, list(0, 0, 0, 0, 0, 0), { weight: [1, 2, 3] }))).toContain(
    'there is no option weight here',
  )
})
