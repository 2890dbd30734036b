/** softmaxFocal and poly1: functions of the probability of the label. */

import { describe, expect, it } from 'vitest'
import {
  crossEntropy as anyCrossEntropy,
  softmaxFocal as typedFocal,
  poly1 as typedPoly1,
} from '../../lib/index.ts'
import { told } from '../lib/thrown.ts'
import {
  expectAllNear,
  expectAllPrinted,
  expectAllSame,
  expectAllUlps,
  expectSame,
} from '../support/expect.ts'
import { FLOATS, floats, held, matrix } from '../support/floats.ts'
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from '../support/half.ts'
import type { AnyLoss } from '../support/losses.ts'
import { Random } from '../support/random.ts'

const softmaxFocal = typedFocal as unknown as AnyLoss
const poly1 = typedPoly1 as unknown as AnyLoss
const crossEntropy = anyCrossEntropy as unknown as AnyLoss
const inf = Number.POSITIVE_INFINITY

/** The label's -log p, and p and 1 - p of every class: sums of the others, so that small ones keep their digits. */
function softmaxOf(row: readonly number[], label: number) {
  const greatest = Math.max(...row)
  const exps = row.map(z => Math.exp(z - greatest))
  const sum = exps.reduce((a, b) => a + b, 0)
  const others = exps.reduce((a, b, c) => (c === label ? a : a + b), 0)
  const own = exps[label] as number
  // log(sum / own) = log1p(others / own)
  return { nll: Math.log1p(others / own), p: own / sum, q: others / sum, all: exps.map(e => e / sum) }
}

interface Truth {
  readonly value: number
  readonly grad: number[]
}

function focalOf(row: readonly number[], label: number, alpha: number, gamma: number): Truth {
  const { nll, p, q, all } = softmaxOf(row, label)
  const slope = alpha * (q ** gamma + (q === 0 ? 0 : gamma * q ** (gamma - 1) * p * nll))
  return {
    value: alpha * q ** gamma * nll,
    grad: all.map((pc, c) => slope * (c === label ? -q : pc)),
  }
}

function poly1Of(row: readonly number[], label: number, epsilon: number): Truth {
  const { nll, p, q, all } = softmaxOf(row, label)
  return { value: nll + epsilon * q, grad: all.map((pc, c) => (1 + epsilon * p) * (c === label ? -q : pc)) }
}

const SETTINGS: readonly [
  string,
  AnyLoss,
  Record<string, number>,
  (row: number[], label: number) => Truth,
][] = [
  ...[0, 0.5, 1, 1.3, 2, 5, 7.5, 11].map(
    gamma =>
      [
        `softmaxFocal of gamma ${gamma}`,
        softmaxFocal,
        { alpha: 0.25, gamma },
        (row: number[], label: number) => focalOf(row, label, 0.25, gamma),
      ] as const,
  ),
  ...[2, 0, -0.5].map(
    epsilon =>
      [
        `poly1 of epsilon ${epsilon}`,
        poly1,
        { epsilon },
        (row: number[], label: number) => poly1Of(row, label, epsilon),
      ] as const,
  ),
] as never

describe.each(FLOATS)('in %s', type => {
  const rows = [
    [0.5, -1.25, 2, 0.75],
    [1, 1, 0, -3],
    [-0.5, 0.25, 0.25, 4],
  ]
  const logits = matrix(type, rows)
  const labels = Int32Array.of(0, 1, 2)

  it('softmaxFocal has the numbers of PyTorch in float64, the formula differentiated by autograd', () => {
    expectAllPrinted(
      softmaxFocal(logits, labels, { reduction: 'none' }),
      ['0.35478392063310177', '0.07337469911286953', '0.9097985094831713'],
      type,
    )
    const row = softmaxFocal.grad(logits, labels, { reduction: 'sum' }).logits.slice(0, 4)
    const truth = [-0.25899973616920113, 0.007577656903212135, 0.19543034730970546, 0.05599173195628356]
    expectAllNear(row, truth, type, type === 'float32' ? 1e-6 : 1e-14)
    expectAllPrinted(
      softmaxFocal(logits, labels, { gamma: 0.5, reduction: 'none' }),
      ['0.4480552306559373', '0.16571763341822204', '0.9409946033664544'],
      type,
    )
  })

  it('poly1 has the numbers of PyTorch in float64, the formula differentiated by autograd', () => {
    expectAllPrinted(
      poly1(logits, labels, { reduction: 'none' }),
      ['3.649022376013933', '2.031545641070618', '5.76206597550418'],
      type,
    )
    const row = poly1.grad(logits, labels, { reduction: 'sum' }).logits.slice(4, 8)
    const truth = [0.7703286520522087, -1.0678257875041592, 0.28338807403531696, 0.014109061416633612]
    expectAllNear(row, truth, type, type === 'float32' ? 1e-6 : 1e-14)
  })

  // Widths on both sides of where rows are turned on their side, and of a chunk.
  describe.each([2, 7, 32, 33, 300, 4100])('rows of %i classes', classes => {
    const random = new Random(classes)
    const count = classes > 1000 ? 4 : 40
    const data = Array.from({ length: count }, () =>
      held(
        type,
        random.list(classes, () => 3 * random.normal()),
      ),
    )
    const target = Int32Array.from(data, () => random.integer(classes))
    it.each(SETTINGS)('%s', (_, loss, options, at) => {
      const truth = data.map((row, r) => at(row, target[r] as number))
      const both = loss.valueAndGrad(matrix(type, data), target, { ...options, reduction: 'none' })
      const values = truth.map(({ value }) => value)
      const grad = truth.flatMap(row => row.grad)
      // A score less the greatest is rounded before it is an exponent, and so is its exponential. Each moves the loss by what
      // its gradient says, and the gradient by as much again for every power of 1 - p in it.
      const half = type === 'float32' ? 2 ** -24 : 2 ** -53
      const powers = 1 + (options.gamma ?? 0)
      const moves = data.map((row, r) => {
        const greatest = Math.max(...row)
        return row.map((z, c) => half * (greatest - z + 1) * Math.abs(truth[r]?.grad[c] as number))
      })
      const slack = {
        values: moves.map(row => row.reduce((a, b) => a + b)),
        grad: data.flatMap((row, r) => {
          const spread = Math.max(...row) - Math.min(...row) + 1
          return row.map((_, c) => half * powers * spread * Math.abs(truth[r]?.grad[c] as number))
        }),
      }
      // The truth itself raises float64 numbers to powers, and adds up C of them.
      if (type === 'float32') expectAllUlps(both.value, values, type, 2, { slack: slack.values })
      else expectAllNear(both.value, values, type, 1e-13)
      expectAllNear(both.grad.logits, grad, type, type === 'float32' ? 1e-6 : 1e-13, { slack: slack.grad })
    })
  })

  it('the gradients are the slopes', () => {
    if (type === 'float32') return // differences of float32 values have too few digits
    const step = 2 ** -17
    for (const [, loss, options] of SETTINGS) {
      const { logits: grad } = loss.grad(logits, labels, { ...options, reduction: 'sum' })
      rows.flat().forEach((_, i) => {
        const moved = (by: number) => {
          const data = logits.data.slice()
          data[i] = (data[i] as number) + by
          return loss({ data, shape: logits.shape }, labels, { ...options, reduction: 'sum' })
        }
        const slope = (moved(step) - moved(-step)) / (2 * step)
        expect(Math.abs(slope - (grad[i] as number))).toBeLessThan(1e-9)
      })
    }
  })

  it('softmaxFocal of gamma 0 is alpha times crossEntropy, to the last bit of its gradient', () => {
    const random = new Random(11)
    for (const classes of [5, 50]) {
      const data = floats(
        type,
        random.list(30 * classes, () => 20 * random.normal()),
      )
      const z = { data, shape: [30, classes] }
      const target = Int32Array.from({ length: 30 }, () => random.integer(classes))
      for (const alpha of [1, 0.25]) {
        const options = { alpha, gamma: 0, reduction: 'sum' }
        const both = softmaxFocal.valueAndGrad(z, target, options)
        const plain = crossEntropy.valueAndGrad(z, target, { reduction: 'sum', upstream: alpha })
        expectSame(both.value, alpha * plain.value)
        expectAllSame(both.grad.logits, plain.grad.logits)
      }
    }
  })

  it('poly1 of epsilon 0 is crossEntropy', () => {
    const [a, b] = [
      poly1.valueAndGrad(logits, labels, { epsilon: 0 }),
      crossEntropy.valueAndGrad(logits, labels),
    ]
    expectSame(a.value, b.value)
    expectAllSame(a.grad.logits, b.grad.logits)
  })

  it('a certain row has no loss and no gradient, for gamma below 1 too', () => {
    for (const classes of [3, 40]) {
      const row = new Array<number>(classes).fill(-2000)
      row[1] = 2000
      for (const gamma of [0.1, 0.5, 0.75, 1, 2, 3.3]) {
        const both = softmaxFocal.valueAndGrad(matrix(type, [row]), Int32Array.of(1), { gamma })
        expectSame(both.value, 0)
        expectAllSame(both.grad.logits, new Array(classes).fill(0))
      }
      expectSame(poly1(matrix(type, [row]), Int32Array.of(1)), 0)
      expectAllSame(poly1.grad(matrix(type, [row]), Int32Array.of(1)).logits, new Array(classes).fill(0))
    }
  })

  it('a confident row keeps the digits of its small loss', () => {
    for (const gamma of [0.5, 1, 2]) {
      const row = [0, -30]
      const q = Math.exp(-30) / (1 + Math.exp(-30))
      // nll = q (1 + q / 2 + …)
      const truth = 0.25 * q ** gamma * Math.log1p(Math.exp(-30))
      const { value, grad } = softmaxFocal.valueAndGrad(matrix(type, [row]), Int32Array.of(0), { gamma })
      expectAllNear([value], [truth], type, type === 'float32' ? 2e-7 : 1e-14)
      const slope = 0.25 * (1 + gamma) * q ** (gamma + 1)
      expectAllNear(grad.logits, [-slope, slope], type, type === 'float32' ? 1e-6 : 1e-12)
    }
  })

  it('a hopeless row is linear: an impossible label costs infinity, and pulls with all its weight', () => {
    const row = matrix(type, [[-inf, 0, 0]])
    for (const gamma of [0, 0.5, 2]) {
      const { value, grad } = softmaxFocal.valueAndGrad(row, Int32Array.of(0), { gamma, alpha: 1 })
      expectSame(value, inf)
      expectAllSame(grad.logits, [-1, 0.5, 0.5])
    }
    const both = poly1.valueAndGrad(row, Int32Array.of(0))
    expectSame(both.value, inf)
    expectAllSame(both.grad.logits, [-1, 0.5, 0.5])
  })

  it('ignored rows count for nothing, whatever they hold', () => {
    const some = matrix(type, [...rows, [Number.NaN, inf, 0, 0]])
    for (const loss of [softmaxFocal, poly1]) {
      const clean = loss.valueAndGrad(logits, labels)
      const dirty = loss.valueAndGrad(some, Int32Array.of(0, 1, 2, -100))
      expectSame(dirty.value, clean.value)
      expectAllSame(dirty.grad.logits, [...clean.grad.logits, 0, 0, 0, 0])
      expectSame(loss(some, Int32Array.of(0, 1, 2, 3), { ignoreIndex: 3 }), clean.value)
      expect(loss(logits, Int32Array.of(-100, -100, -100))).toBeNaN()
      expect(loss(logits, Int32Array.of(-100, -100, -100), { onEmpty: 'zero' })).toBe(0)
    }
  })

  it('a NaN spoils its own row', () => {
    const dirty = matrix(type, [rows[0] as number[], [0, Number.NaN, 0, 0], rows[2] as number[]])
    for (const loss of [softmaxFocal, poly1]) {
      const clean = loss.valueAndGrad(logits, labels, { reduction: 'none' })
      const both = loss.valueAndGrad(dirty, labels, { reduction: 'none' })
      expectAllSame(both.value, [clean.value[0] as number, Number.NaN, clean.value[2] as number])
      expectAllSame(both.grad.logits, Array.from(clean.grad.logits).fill(Number.NaN, 4, 8))
    }
  })

  it('the incoming gradient and the divisor multiply the gradient', () => {
    const { logits: sum } = softmaxFocal.grad(logits, labels, { reduction: 'sum' })
    const halved = softmaxFocal.grad(logits, labels, { divisor: 8, upstream: 4 })
    expectAllSame(
      halved.logits,
      Array.from(sum, g => g / 2),
    )
    expectAllNear(
      [softmaxFocal(logits, labels, { divisor: 8 })],
      [softmaxFocal(logits, labels) * 0.375],
      'float64',
      1e-15,
    )
  })

  it('no rows are an empty batch', () => {
    const none = { data: floats(type, []), shape: [0, 3] }
    for (const loss of [softmaxFocal, poly1]) {
      expect(loss(none, new Int32Array(0))).toBeNaN()
      expect(loss(none, new Int32Array(0), { reduction: 'sum' })).toBe(0)
      expect(loss.grad(none, new Int32Array(0)).logits.length).toBe(0)
    }
  })
})

it('half precision is computed in float32 from what it holds, and only the gradient is rounded', () => {
  const random = new Random(4)
  for (const classes of [9, 60]) {
    const values = random.list(20 * classes, () => 3 * random.normal())
    const labels = Int32Array.from({ length: 20 }, () => random.integer(classes))
    for (const [dtype, to, from] of [
      ['float16', toFloat16, fromFloat16],
      ['bfloat16', toBfloat16, fromBfloat16],
    ] as const) {
      const data = Uint16Array.from(values, to)
      const half = { data, dtype, shape: [20, classes] }
      const wide = { data: Float32Array.from(data, from), shape: [20, classes] }
      for (const loss of [softmaxFocal, poly1]) {
        const [a, b] = [loss.valueAndGrad(half, labels), loss.valueAndGrad(wide, labels)]
        expectSame(a.value, b.value)
        expectAllSame(a.grad.logits, Uint16Array.from(b.grad.logits, to))
      }
    }
  }
})

it('refuses what it cannot take', () => {
  const row = { data: Float32Array.of(1, 2, 3), shape: [1, 3] }
  expect(told(() => softmaxFocal(row, [0], { gamma: -1 }))).toBe(
    'ERR_OPTION: softmaxFocal: gamma is -1. It must be a finite number from 0 on.',
  )
  expect(told(() => softmaxFocal(row, [0], { alpha: inf }))).toContain('ERR_OPTION')
  expect(told(() => poly1(row, [0], { epsilon: Number.NaN }))).toContain('ERR_OPTION')
  expect(told(() => softmaxFocal(row, [0], { weight: [1, 1, 1] }))).toContain(
    'there is no option weight here',
  )
  expect(told(() => poly1(row, [0], { labelSmoothing: 0.1 }))).toContain(
    'there is no option labelSmoothing here',
  )
  for (const loss of [softmaxFocal, poly1]) {
    expect(told(() => loss(row, [3]))).toContain('ERR_LABEL')
    expect(told(() => loss(row, row))).toContain('ERR_DTYPE')
    expect(told(() => loss(row, [0, 1]))).toContain('ERR_SHAPE')
  }
})
