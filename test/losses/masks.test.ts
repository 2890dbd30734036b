import { describe, expect, it } from 'vitest'
import { dice, focalTversky, lovaszHinge, lovaszSoftmax, maskIou, tversky } from '../../lib/index.ts'
import { told } from '../lib/thrown.ts'
import { expectAllNear, expectAllSame, expectAllUlps } from '../support/expect.ts'
import { FLOATS, type Floats, floats, held } from '../support/floats.ts'
import { fromFloat16, toFloat16 } from '../support/half.ts'
import type { AnyLoss } from '../support/losses.ts'
import { Random } from '../support/random.ts'
import type { ComputeType } from '../support/ulp.ts'

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)

interface Region {
  readonly value: number
  readonly grad: number[]
}

/** The losses of one image, from their textbook forms. */
function tverskyOf(
  p: readonly number[],
  t: readonly number[],
  alpha: number,
  beta: number,
  s: number,
): Region {
  const both = sum(p.map((x, i) => x * (t[i] as number)))
  const onlyPred = sum(p.map((x, i) => x * (1 - (t[i] as number))))
  const onlyTarget = sum(p.map((x, i) => (1 - x) * (t[i] as number)))
  const all = both + alpha * onlyPred + beta * onlyTarget + s
  return {
    value: (alpha * onlyPred + beta * onlyTarget) / all,
    grad: t.map(y => -(y * all - (both + s) * (y + alpha * (1 - y) - beta * y)) / all ** 2),
  }
}

/** With the types of its inputs forgotten. */
const loose = (loss: unknown) => loss as AnyLoss

const REGIONS = [
  { name: 'maskIou', loss: loose(maskIou), options: { smooth: 0.5 }, at: [1, 1, 0.5] },
  { name: 'dice', loss: loose(dice), options: { smooth: 0.5 }, at: [0.5, 0.5, 0.25] },
  {
    name: 'tversky',
    loss: loose(tversky),
    options: { alpha: 0.25, beta: 2, smooth: 0.125 },
    at: [0.25, 2, 0.125],
  },
] as const

function images(seed: number, count: number, pixels: number, type: ComputeType) {
  const random = new Random(seed)
  const pred = held(
    type,
    random.list(count * pixels, () => random.uniform()),
  )
  const target = random.list(count * pixels, () => random.integer(2))
  return { pred, target, shape: [count, pixels] }
}

const rowOf = (all: readonly number[], row: number, width: number) =>
  all.slice(row * width, (row + 1) * width)

describe.each(FLOATS)('in %s', type => {
  const [relative, ulps] = type === 'float32' ? [1e-6, 1] : [1e-13, 200]

  describe.each(REGIONS)('$name', ({ loss, options, at }) => {
    // From less than one vector to several chunks, few enough to be cut into pieces.
    it.each([
      [3, 1],
      [4, 15],
      [5, 100],
      [2, 9000],
      [1, 70_000],
    ])('of %i images of %i pixels', (count, pixels) => {
      const { pred, target, shape } = images(count, count, pixels, type)
      const truth = Array.from({ length: count }, (_, b) =>
        tverskyOf(
          rowOf(pred, b, pixels),
          rowOf(target, b, pixels),
          ...(at as unknown as [number, number, number]),
        ),
      )
      const none = { ...options, reduction: 'none' } as const
      const { value, grad } = loss.valueAndGrad(
        { data: floats(type, pred), shape },
        Uint8Array.from(target),
        none,
      )
      expectAllUlps(
        value as Floats,
        truth.map(t => t.value),
        type,
        ulps,
      )
      const expected = truth.flatMap(t => t.grad)
      expectAllNear(grad.pred as Floats, expected, type, relative)
    })
  })

  it('focalTversky is tversky to a power', () => {
    const { pred, target, shape } = images(8, 6, 40, type)
    const input = { data: floats(type, pred), shape }
    for (const gamma of [0.5, 0.75, 1, 2]) {
      const options = { alpha: 0.25, beta: 2, smooth: 0.125 }
      const none = { ...options, gamma, reduction: 'none' } as const
      const { value, grad } = loose(focalTversky).valueAndGrad(input, floats(type, target), none)
      const truth = Array.from({ length: 6 }, (_, b) =>
        tverskyOf(rowOf(pred, b, 40), rowOf(target, b, 40), 0.25, 2, 0.125),
      )
      expectAllUlps(
        value as Floats,
        truth.map(t => t.value ** gamma),
        type,
        type === 'float32' ? 1 : 60,
      )
      const slopes = truth.flatMap(t => t.grad.map(g => gamma * t.value ** (gamma - 1) * g))
      expectAllNear(grad.pred as Floats, slopes, type, relative)
    }
  })

  it('a perfect image costs nothing, two empty ones nothing with smooth and NaN without', () => {
    const mask = { data: floats(type, [1, 0, 1, 1, 0, 0, 0, 0]), shape: [2, 4] }
    for (const { loss } of REGIONS) {
      expectAllSame(loss(mask, mask.data, { reduction: 'none' }) as Floats, [0, 0])
      expectAllSame(loss(mask, mask.data, { smooth: 0, reduction: 'none' }) as Floats, [0, Number.NaN])
      const grad = loss.grad(mask, mask.data, { reduction: 'none' }).pred
      expect(Array.from(grad as Floats).every(Number.isFinite)).toBe(true)
    }
    expect(loose(focalTversky)(mask, mask.data)).toBe(0)
    expectAllSame(loose(focalTversky).grad(mask, mask.data).pred as Floats, new Array(8).fill(0))
  })

  it('a small loss keeps its digits', () => {
    // One pixel of a million is off by 2^-20.
    const pixels = 1 << 20
    const pred = floats(type, new Float64Array(pixels).fill(1))
    pred[77] = 1 - 2 ** -20
    const value = maskIou(pred, new Uint8Array(pixels).fill(1), { smooth: 0, reduction: 'none' })
    expectAllUlps(value as Floats, [2 ** -40], type, 1)
  })

  it('the gradients are the slopes of the values', () => {
    if (type === 'float32') return
    const { pred, target, shape } = images(3, 3, 12, type)
    const losses = [
      (data: Floats) => maskIou({ data, shape }, target),
      (data: Floats) => focalTversky({ data, shape }, target, { alpha: 0.3, beta: 0.7, gamma: 1.5 }),
      (data: Floats) => lovaszHinge({ data, shape }, target),
    ]
    const grads = [
      maskIou.grad({ data: Float64Array.from(pred), shape }, target).pred,
      focalTversky.grad({ data: Float64Array.from(pred), shape }, target, {
        alpha: 0.3,
        beta: 0.7,
        gamma: 1.5,
      }).pred,
      lovaszHinge.grad({ data: Float64Array.from(pred), shape }, target).pred,
    ]
    losses.forEach((loss, k) => {
      pred.forEach((_, i) => {
        const moved = (by: number) => loss(Float64Array.from(pred, (x, j) => (i === j ? x + by : x)))
        const slope = (moved(2 ** -20) - moved(-(2 ** -20))) / 2 ** -19
        expect(Math.abs((grads[k]?.[i] as number) - slope), `loss ${k}, pixel ${i}`).toBeLessThan(2e-9)
      })
    })
  })
})

describe('masks', () => {
  const { pred, target, shape } = images(1, 3, 50, 'float32')
  const input = { data: new Float32Array(pred), shape }
  const reference = maskIou.valueAndGrad(input, target, { reduction: 'none' })

  it('weigh images, and take incoming gradients', () => {
    const weight = [2, 0, 0.5]
    const upstream = Float32Array.of(1, 3, -2)
    const { value, grad } = maskIou.valueAndGrad(input, target, { weight, upstream, reduction: 'none' })
    expectAllUlps(
      value,
      reference.value.map((v, i) => v * (weight[i] as number)),
      'float32',
      1,
    )
    const expected = Array.from(reference.grad.pred, (g, i) => {
      const image = Math.floor(i / 50)
      return g * (weight[image] as number) * (upstream[image] as number)
    })
    expectAllNear(grad.pred, expected, 'float32', 2e-7)
  })

  it('are those of the same numbers in float32, in half precision', () => {
    const bits = Uint16Array.from(pred, toFloat16)
    const wide = { data: Float32Array.from(bits, fromFloat16), shape }
    const half = { data: bits, shape, dtype: 'float16' } as const
    for (const loss of [loose(maskIou), loose(lovaszHinge)]) {
      const a = loss.valueAndGrad(half, target, { reduction: 'none' })
      const b = loss.valueAndGrad(wide, target, { reduction: 'none' })
      expect(a.value).toEqual(b.value)
      expect(a.grad.pred).toEqual(Uint16Array.from(b.grad.pred, toFloat16))
    }
  })

  it('take their gradient in place', () => {
    const data = new Float32Array(pred)
    const { grad } = dice.valueAndGrad({ data, shape }, target, { out: { pred: data } })
    expect(grad.pred).toBe(data)
    expect(data).toEqual(dice.grad(input, target).pred)
  })

  it('take no gradient in place where pixels are sorted', () => {
    const data = new Float32Array(pred)
    expect(told(() => lovaszHinge.grad({ data, shape }, target, { out: { pred: data } }))).toContain(
      'ERR_OVERLAP: lovaszHinge: out.pred shares memory with pred. Buffers must lie apart.',
    )
  })

  it('of no images are NaN in the mean and 0 in sum', () => {
    const none = { data: new Float32Array(0), shape: [0, 4] }
    expect(maskIou(none, new Float32Array(0))).toBeNaN()
    expect(maskIou(none, new Float32Array(0), { reduction: 'sum' })).toBe(0)
    expect(lovaszHinge(none, new Float32Array(0), { perImage: true, onEmpty: 'zero' })).toBe(0)
  })

  it.each([
    [
      'another shape',
      () => maskIou(input, new Float32Array(10)),
      'ERR_SHAPE: maskIou: target has 10 elements',
    ],
    [
      'weights of another number of images',
      () => dice(input, target, { weight: [1, 2] }),
      'ERR_SHAPE: dice: weight has shape [2], there are 3 values.',
    ],
    [
      'a label that names no class',
      () => lovaszSoftmax({ data: new Float32Array(6), shape: [1, 2, 3] }, [0, 1, 2]),
      'ERR_LABEL: lovaszSoftmax: target[2] is 2. A class label must be from 0 to 1, or ignoreIndex, which is -100.',
    ],
    [
      'labels of other pixels',
      () => lovaszSoftmax({ data: new Float32Array(6), shape: [1, 2, 3] }, [0, 1]),
      'ERR_SHAPE: lovaszSoftmax: target has ',
    ],
    [
      'flat probabilities',
      () => lovaszSoftmax(new Float32Array(6), [0, 1]),
      'ERR_SHAPE: lovaszSoftmax: pred has 6 elements.',
    ],
    [
      'a target of lovaszHinge between 0 and 1',
      () => lovaszHinge([1, 2], [0.5, 1]),
      'ERR_DOMAIN: lovaszHinge: target[0] is 0.5. A mask must hold 0 and 1 only.',
    ],
    ['a negative smooth', () => dice(input, target, { smooth: -1 }), 'ERR_OPTION: dice: smooth is -1.'],
    [
      'a word for a flag',
      () => lovaszHinge([1], [1], { perImage: 'yes' as unknown as boolean }),
      "ERR_OPTION: lovaszHinge: perImage is 'yes'. It must be true or false.",
    ],
  ])('refuse %s', (_, call, message) => {
    expect(told(call)).toContain(message)
  })
})
