/** Losses of boxes against the formulas of their papers, written out in float64. */

import { describe, expect, it } from 'vitest'
import * as losskit from '../../lib/index.ts'
import { told } from '../lib/thrown.ts'
import {
  expectAllNear,
  expectAllPrinted,
  expectAllSame,
  expectAllUlps,
  expectCode,
  expectPrinted,
  expectSame,
} from '../support/expect.ts'
import { FLOATS, floats, held, matrix, rowsOf } from '../support/floats.ts'
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from '../support/half.ts'
import type { AnyLoss } from '../support/losses.ts'
import { Random } from '../support/random.ts'

const { iou, giou, diou, ciou } = losskit as unknown as Record<'iou' | 'giou' | 'diou' | 'ciou', AnyLoss>

type Box = readonly [x1: number, y1: number, x2: number, y2: number]

/** torchvision's operations, with atan2 for atan. */
function parts([x1, y1, x2, y2]: Box, [X1, Y1, X2, Y2]: Box, eps: number) {
  const width = Math.min(x2, X2) - Math.max(x1, X1)
  const height = Math.min(y2, Y2) - Math.max(y1, Y1)
  const intersection = width > 0 && height > 0 ? width * height : 0
  const union = (x2 - x1) * (y2 - y1) + (X2 - X1) * (Y2 - Y1) - intersection
  const hullWidth = Math.max(x2, X2) - Math.min(x1, X1)
  const hullHeight = Math.max(y2, Y2) - Math.min(y1, Y1)
  const dx = (x1 + x2 - X1 - X2) / 2
  const dy = (y1 + y2 - Y1 - Y2) / 2
  const turn = Math.atan2(X2 - X1, Y2 - Y1) - Math.atan2(x2 - x1, y2 - y1)
  const v = (4 / Math.PI ** 2) * turn ** 2
  return {
    iou: intersection / (union + eps),
    hull: hullWidth * hullHeight,
    union,
    distance: (dx ** 2 + dy ** 2) / (hullWidth ** 2 + hullHeight ** 2 + eps),
    v,
    alpha: v / (1 - intersection / (union + eps) + v + eps),
  }
}

type Formula = (pred: Box, target: Box, alpha?: number) => number

const EPS = 1e-7

/** Differences of fourth order; the alpha of ciou stays what it is. */
function slopes(formula: Formula, pred: Box, target: Box): number[] {
  const { alpha } = parts(pred, target, EPS)
  const step = 2e-5
  return pred.map((_, i) => {
    const at = (x: number) => formula(pred.with(i, (pred[i] as number) + x) as unknown as Box, target, alpha)
    return (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step)
  })
}

const linear: Formula = (a, b) => 1 - parts(a, b, 0).iou
const logarithmic: Formula = (a, b) => -Math.log(Math.max(parts(a, b, 0).iou, 1e-6))
const generalised: Formula = (a, b) => {
  const p = parts(a, b, EPS)
  return 1 - (p.iou - (p.hull - p.union) / (p.hull + EPS))
}
const distant: Formula = (a, b) => {
  const p = parts(a, b, EPS)
  return 1 - p.iou + p.distance
}
const complete: Formula = (a, b, alpha) => {
  const p = parts(a, b, EPS)
  return 1 - p.iou + p.distance + (alpha ?? p.alpha) * p.v
}

/** Differences of logarithms would be off where boxes hardly meet: of the quotient, and by the chain rule. */
function gradientOf(formula: Formula, pred: Box, target: Box): { slopes: number[]; steepness: number } {
  if (formula !== logarithmic) return { slopes: slopes(formula, pred, target), steepness: 1 }
  const { iou } = parts(pred, target, 0)
  const steepness = iou < 1e-6 ? 0 : 1 / iou
  return { slopes: slopes(linear, pred, target).map(g => steepness * g), steepness }
}

const LOSSES = [
  { name: 'iou', loss: iou, options: {}, formula: linear },
  {
    name: 'iou as a logarithm',
    loss: iou,
    options: { form: 'log' },
    formula: logarithmic,
  },
  { name: 'giou', loss: giou, options: {}, formula: generalised },
  { name: 'diou', loss: diou, options: {}, formula: distant },
  { name: 'ciou', loss: ciou, options: {}, formula: complete },
] as const

function randomBox(random: Random): Box {
  const [x, y] = [3 * random.uniform(), 3 * random.uniform()]
  return [x, y, x + 0.2 + 2 * random.uniform(), y + 0.2 + 2 * random.uniform()]
}

const asBoxes = (data: ArrayLike<number>) => rowsOf(data, 4) as unknown as Box[]

// Of LOSSES.md T30, with eps = 1e-7.
const PRED: readonly Box[] = [
  [0, 0, 2, 2],
  [0, 0, 1, 1],
  [0, 0, 4, 1],
]
const TARGET: readonly Box[] = [
  [1, 1, 3, 3],
  [2, 2, 3, 3],
  [0, 0, 2, 2],
]

describe.each(FLOATS)('losses of boxes in %s', type => {
  const pred = matrix(type, PRED)
  const target = matrix(type, TARGET)

  it('have the published numbers', () => {
    const none = { reduction: 'none' } as const
    expectAllPrinted(iou(pred, target, none), ['0.857142857', '1', '0.666666667'], type)
    expectAllPrinted(
      iou(pred, target, { ...none, form: 'log' }),
      ['1.945910149', '13.815510558', '1.098612289'],
      type,
    )
    expectAllPrinted(giou(pred, target, none), ['1.079365079', '1.777777769', '0.916666669'], type)
    expectAllPrinted(diou(pred, target, none), ['0.968253970', '1.444444442', '0.729166672'], type)
    expectAllPrinted(ciou(pred, target, none), ['0.968253970', '1.444444442', '0.747013353'], type)
  })

  describe.each(LOSSES)('$name', ({ loss, options, formula }) => {
    const random = new Random(7)
    const count = 301
    const predicted = floats(type, Array.from({ length: count }, () => randomBox(random)).flat())
    const wanted = floats(type, Array.from({ length: count }, () => randomBox(random)).flat())
    const truth = asBoxes(predicted).map((box, i) => formula(box, asBoxes(wanted)[i] as Box))
    const none = { ...options, reduction: 'none' } as const

    // The formula as written subtracts from 1, and so is off by a few units of 1 itself.
    const slack = new Array<number>(count).fill(2e-15)

    it('is the formula for every pair of boxes', () => {
      expectAllUlps(loss(predicted, wanted, none), truth, type, 1, { slack })
    })

    it('has its slopes as gradient, also where boxes lie apart', () => {
      const { pred } = loss.grad(predicted, wanted, { ...options, reduction: 'sum' })
      const truth = asBoxes(predicted).map((box, i) => gradientOf(formula, box, asBoxes(wanted)[i] as Box))
      const expected = truth.flatMap(({ slopes }) => slopes)
      const scale = truth.flatMap(({ steepness }) => new Array<number>(4).fill(0.1 * steepness))
      expectAllNear(pred, expected, type, type === 'float32' ? 1e-6 : 1e-9, { scale })
    })

    it('gives the same from one pass, weighted, and divided as the mean', () => {
      const weight = held(
        type,
        Array.from({ length: count }, () => 2 * random.uniform()),
      )
      const weighted = loss(predicted, wanted, { ...none, weight: floats(type, weight) })
      expectAllUlps(
        weighted,
        truth.map((value, i) => value * (weight[i] as number)),
        type,
        1,
        { slack },
      )
      const both = loss.valueAndGrad(predicted, wanted, { ...options, weight: floats(type, weight) })
      expect(both.value).toBeCloseTo(Array.from(weighted).reduce((a, b) => a + b, 0) / count, 6)
      expectSame(both.value, loss(predicted, wanted, { ...options, weight: floats(type, weight) }))
      const summed = loss.grad(predicted, wanted, { ...options, reduction: 'sum' }).pred
      const expected = Array.from(summed, (g, i) => (g * (weight[i >> 2] as number)) / count)
      expectAllNear(both.grad.pred, expected, type, type === 'float32' ? 3e-7 : 1e-14)
    })

    it('takes an incoming gradient for each pair', () => {
      const upstream = floats(
        type,
        Array.from({ length: count }, () => random.normal()),
      )
      const { pred } = loss.grad(predicted, wanted, { ...none, upstream })
      const plain = loss.grad(predicted, wanted, { ...options, reduction: 'sum' }).pred
      const expected = Array.from(plain, (g, i) => g * (upstream[i >> 2] as number))
      expectAllNear(pred, expected, type, type === 'float32' ? 3e-7 : 1e-15)
    })

    it('is the same for every box of a batch of any length', () => {
      const both = loss.valueAndGrad(predicted, wanted, { ...none })
      for (const length of [1, 2, 3, 7, 8, 9, 249, 253, 254, 255, 256, 257, 258, 263]) {
        const start = count - length
        const cut = (data: typeof predicted) => data.slice(4 * start)
        const { value, grad } = loss.valueAndGrad(cut(predicted), cut(wanted), { ...none })
        expectAllSame(value, both.value.slice(start))
        expectAllSame(grad.pred, cut(both.grad.pred))
      }
    })

    it('may write the gradient over the prediction', () => {
      const buffer = predicted.slice()
      loss.grad(buffer, wanted, { ...options, out: { pred: buffer } })
      expectAllSame(buffer, loss.grad(predicted, wanted, options).pred)
    })

    it('does not change when both boxes are moved or, without eps, scaled', () => {
      // Powers of two and sums of few bits, so that no rounding takes part.
      const eighths = (box: Box) => box.map(x => Math.round(8 * x) / 8)
      const rounded = (data: ArrayLike<number>) => asBoxes(data).flatMap(eighths)
      const [a, b] = [rounded(predicted), rounded(wanted)]
      const exact = { ...none, ...('form' in options ? {} : loss === iou ? {} : { eps: 0 }) } as const
      const values = loss(floats(type, a), floats(type, b), exact)
      const by = (f: (x: number) => number) => loss(floats(type, a.map(f)), floats(type, b.map(f)), exact)
      expectAllSame(
        by(x => x + 16),
        values,
      )
      expectAllSame(
        by(x => x * 1024),
        values,
      )
      expectAllSame(
        by(x => x / 1024),
        values,
      )
    })

    it('is symmetric in the boxes', () => {
      expectAllUlps(loss(wanted, predicted, none), Array.from(loss(predicted, wanted, none)), type, 4)
    })

    it('turns a NaN of one box into NaN of that box only', () => {
      for (let corner = 0; corner < 4; corner++) {
        for (const spoiled of ['pred', 'target']) {
          const [p, t] = [predicted.slice(0, 12), wanted.slice(0, 12)]
          ;(spoiled === 'pred' ? p : t)[4 + corner] = Number.NaN
          const { value, grad } = loss.valueAndGrad(p, t, none)
          expect(Array.from(value, Number.isNaN)).toEqual([false, true, false])
          const nan = Array.from(grad.pred, Number.isNaN)
          expect(nan.slice(0, 4).concat(nan.slice(8))).toEqual(new Array(8).fill(false))
          expect(nan.slice(4, 8)).toContain(true)
        }
      }
    })

    it('has a value and a gradient where a box has no area, and none that is NaN where one has', () => {
      const point: Box = [1, 1, 1, 1]
      for (const [a, b] of [
        [point, [0, 0, 2, 2]],
        [[0, 0, 2, 2], point],
        [
          [0, 1, 2, 1],
          [0, 0, 2, 2],
        ],
        [
          [1, 0, 1, 2],
          [0, 0, 2, 2],
        ],
        [
          [2, 2, 0, 0],
          [0, 0, 2, 1],
        ],
        [
          [2, 0, 0, 2],
          [0, 0, 4, 2],
        ],
      ] as [Box, Box][]) {
        const { value, grad } = loss.valueAndGrad(matrix(type, [a]), matrix(type, [b]), options)
        expect(value).not.toBeNaN()
        expect(Array.from(grad.pred)).not.toContain(Number.NaN)
      }
    })

    it('survives the largest and the smallest numbers', () => {
      const huge = type === 'float32' ? 3e38 : 1.7e308
      const tiny = type === 'float32' ? 1e-45 : 5e-324
      const numbers = [0, tiny, 1, huge, -huge, Number.POSITIVE_INFINITY, Number.NaN]
      const all = numbers.flatMap(x => numbers.map(y => [x, 0, y, 1] as Box))
      const boxes = matrix(type, all)
      for (const other of all.slice(0, 9)) {
        const values = loss(
          boxes,
          matrix(
            type,
            all.map(() => other),
          ),
          none,
        )
        expect(values.length).toBe(all.length)
      }
    })
  })

  it('halves the derivative at ties, as a maximum and a minimum do', () => {
    // U = 2, I = 1: d(1 - I/U) = (I dU - U dI) / U^2 with dA = (-1, -1, 1, 1). The corner x1 = 0 is shared, as are
    // y1 and y2: dI = (-1/2, -1/2, 1, 1/2), dU = dA - dI = (-1/2, -1/2, 0, 1/2).
    const { pred } = iou.grad(matrix(type, [[0, 0, 1, 1]]), matrix(type, [[0, 0, 2, 1]]))
    expectAllSame(pred, [0.125, 0.125, -0.5, -0.125])
    // Identical boxes: by I and by U alike half of what the area gives.
    const same = matrix(type, [[0, 0, 2, 2]])
    expectAllSame(iou.grad(same, same).pred, [0, 0, 0, 0])
    expectAllSame(iou.grad(same, same, { form: 'log' }).pred, [0, 0, 0, 0])
  })

  it('has no intersection where edges touch', () => {
    const [a, b] = [matrix(type, [[0, 0, 1, 1]]), matrix(type, [[1, 0, 2, 1]])]
    expectSame(iou(a, b), 1)
    expectAllSame(iou.grad(a, b).pred, [0, 0, 0, 0])
    expectPrinted(iou(a, b, { form: 'log', eps: 0.25 }), '1.386294361', type)
    expectAllSame(iou.grad(a, b, { form: 'log', eps: 0.25 }).pred, [0, 0, 0, 0])
  })

  it('of equal boxes costs nothing as iou, and eps as the others', () => {
    const same = matrix(type, [[0, 0, 1, 1]])
    expectSame(iou(same, same), 0)
    expectSame(iou(same, same, { form: 'log' }), 0)
    for (const loss of [giou, diou, ciou]) {
      expectAllUlps([loss(same, same)], [1e-7 / (1 + 1e-7)], type, 1)
      expectSame(loss(same, same, { eps: 0 }), 0)
    }
  })

  it('of equal points is NaN as iou, and 1 as the others', () => {
    const point = matrix(type, [[1, 1, 1, 1]])
    expectSame(iou(point, point), Number.NaN)
    expectSame(iou(point, point, { form: 'log' }), Number.NaN)
    for (const loss of [giou, diou, ciou]) {
      const { value, grad } = loss.valueAndGrad(point, point)
      expectSame(value, 1)
      expectAllSame(grad.pred, [0, 0, 0, 0])
    }
  })

  it('keeps the digits of a small loss', () => {
    // The prediction is 2^-20 too wide: I = 1, U = 1 + 2^-20.
    const e = 2 ** -20
    const [a, b] = [matrix(type, [[0, 0, 1 + e, 1]]), matrix(type, [[0, 0, 1, 1]])]
    expectAllUlps([iou(a, b)], [e / (1 + e)], type, 1)
    expectAllUlps([iou(a, b, { form: 'log' })], [Math.log1p(e)], type, 1)
    // And this one by 2^-23 only of an aspect that differs as little: turn = e / (1 + e / 2) / 2, nearly.
    const { grad } = ciou.valueAndGrad(a, b, { eps: 0 })
    expect(Array.from(grad.pred)).not.toContain(Number.NaN)
  })

  it('has no largest value as a logarithm without eps', () => {
    const { value, grad } = iou.valueAndGrad(pred, target, { form: 'log', eps: 0, reduction: 'none' })
    expectSame(value[1] as number, Number.POSITIVE_INFINITY)
    expectAllSame(grad.pred.slice(4, 8), [0, 0, 0, 0])
  })

  it('takes corners in the wrong order as sides that are negative', () => {
    // A = -4 of the prediction, 4 of the target, no intersection: U = 0, 1 - 0 / eps; C = 4: 1 + (4 - 0) / (4 + eps).
    const turned = matrix(type, [[2, 0, 0, 2]])
    const square = matrix(type, [[0, 0, 2, 2]])
    expectSame(iou(turned, square), Number.NaN)
    expectPrinted(giou(turned, square, { eps: 1e-3 }), (1 + 4 / 4.001).toFixed(9), type)
  })

  it('takes one box, flat boxes, and boxes in more dimensions', () => {
    const [a, b] = [floats(type, PRED.flat()), floats(type, TARGET.flat())]
    const values = diou(pred, target, { reduction: 'none' })
    expectAllSame(diou(a, b, { reduction: 'none' }), values)
    expectAllSame(
      diou({ data: a, shape: [3, 1, 4] }, { data: b, shape: [3, 1, 4] }, { reduction: 'none' }),
      values,
    )
    expectSame(diou(a.slice(0, 4), b.slice(0, 4)), values[0] as number)
    expectAllSame(
      diou({ data: a.slice(0, 4), shape: [4] }, b.slice(0, 4), { reduction: 'none' }),
      values.slice(0, 1),
    )
    expectAllSame(diou(a, Int32Array.from(TARGET.flat()), { reduction: 'none' }), values)
  })

  it('of no boxes is 0 in sum and NaN in the mean', () => {
    const none = { data: floats(type, []), shape: [0, 4] }
    for (const loss of [iou, giou, diou, ciou]) {
      expectSame(loss(none, none, { reduction: 'sum' }), 0)
      expectSame(loss(none, none), Number.NaN)
      expectSame(loss(none, none, { onEmpty: 'zero' }), 0)
      expect(loss.grad(none, none).pred.length).toBe(0)
    }
  })

  it('adds up batches', async () => {
    const all = ciou(pred, target)
    const accumulator = ciou.accumulator()
    for (let i = 0; i < 3; i++) {
      accumulator.update(pred.data.slice(4 * i, 4 * i + 4), target.data.slice(4 * i, 4 * i + 4))
    }
    expect(accumulator.value).toBe(all)
    expect(accumulator.count).toBe(3)
    expect(await ciou.async(pred, target)).toBe(all)
    expect(ciou.bind(pred, target)()).toBe(all)
  })
})

describe.each([
  { dtype: 'float16', to: toFloat16, from: fromFloat16 },
  { dtype: 'bfloat16', to: toBfloat16, from: fromBfloat16 },
] as const)('losses of boxes in $dtype', ({ dtype, to, from }) => {
  it.each(LOSSES)('$name computes in float32, and rounds the gradient once', ({ loss, options }) => {
    const random = new Random(3)
    const stored = () => Uint16Array.from(Array.from({ length: 70 }, () => randomBox(random)).flat(), to)
    const [p, t] = [stored(), stored()]
    const wide = (bits: Uint16Array) => Float32Array.from(bits, from)
    const half = (data: Uint16Array) => ({ data, dtype, shape: [70, 4] })
    const { value, grad } = loss.valueAndGrad(half(p), half(t), { ...options, reduction: 'none' })
    const expected = loss.valueAndGrad(wide(p), wide(t), { ...options, reduction: 'none' })
    expectAllSame(value, expected.value)
    expectAllSame(grad.pred, Uint16Array.from(expected.grad.pred, to))
  })
})

it('refuses what are no boxes', () => {
  expect(told(() => iou(new Float32Array(6), new Float32Array(6)))).toBe(
    'ERR_SHAPE: iou: pred has 6 elements. Boxes are x1, y1, x2, y2 in the last dimension: { data, shape: [boxes, 4] }.',
  )
  expectCode(() => giou({ data: new Float32Array(8), shape: [4, 2] }, new Float32Array(8)), 'ERR_SHAPE')
  expectCode(() => diou(new Float32Array(8), new Float32Array(4)), 'ERR_SHAPE')
  expectCode(() => ciou(new Int32Array(4), new Float32Array(4)), 'ERR_DTYPE')
  expectCode(() => iou([0, 0, 1, 1], [0, 0, 1, 1], { form: 'square' }), 'ERR_OPTION')
  expectCode(() => iou([0, 0, 1, 1], [0, 0, 1, 1], { eps: -1 }), 'ERR_OPTION')
  expectCode(() => giou([0, 0, 1, 1], [0, 0, 1, 1], { eps: Number.NaN }), 'ERR_OPTION')
  expectCode(() => giou([0, 0, 1, 1], [0, 0, 1, 1], { weight: [1, 2] }), 'ERR_SHAPE')
})
