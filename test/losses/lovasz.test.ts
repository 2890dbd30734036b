import { describe, expect, it } from 'vitest'
import { lovaszHinge, lovaszSoftmax } from '../../lib/index.ts'
import { expectAllNear, expectAllSame } from '../support/expect.ts'
import { FLOATS, type Floats, floats, held } from '../support/floats.ts'
import { Random } from '../support/random.ts'

/** Sorts, and differences the Jaccard losses of the growing sets: the definition, word for word. */
function lovasz(errors: readonly number[], object: readonly boolean[]): { value: number; weights: number[] } {
  const order = errors.map((_, i) => i).sort((a, b) => (errors[b] as number) - (errors[a] as number) || a - b)
  const size = object.filter(Boolean).length
  const jaccard = (set: readonly number[]): number => {
    const missed = set.filter(i => object[i]).length
    const union = size + set.filter(i => !object[i]).length
    return set.length === 0 ? 0 : 1 - (size - missed) / union
  }
  const weights = errors.map(() => 0)
  let value = 0
  order.forEach((i, k) => {
    const step = jaccard(order.slice(0, k + 1)) - jaccard(order.slice(0, k))
    if ((errors[i] as number) <= 0) return
    weights[i] = step
    value += (errors[i] as number) * step
  })
  return { value, weights }
}

describe.each(FLOATS)('the Lovász losses in %s', type => {
  const near = type === 'float32' ? 1e-6 : 1e-13

  it('lovaszHinge weighs the hinge errors by the steps of the Jaccard loss', () => {
    const random = new Random(4)
    for (const pixels of [1, 2, 7, 60, 300]) {
      const x = held(
        type,
        random.list(pixels, () => 2 * random.normal()),
      )
      const t = random.list(pixels, () => (random.integer(3) === 0 ? 1 : 0))
      const errors = x.map((logit, i) => 1 - logit * (2 * (t[i] as number) - 1))
      const truth = lovasz(errors, t.map(Boolean))
      const { value, grad } = lovaszHinge.valueAndGrad(floats(type, x), t)
      expect(Math.abs(value - truth.value)).toBeLessThanOrEqual(near * Math.max(truth.value, 1e-9))
      const expected = truth.weights.map((w, i) => w * -(2 * (t[i] as number) - 1))
      expectAllNear(grad.pred as Floats, expected, type, near, { scale: expected.map(() => 1e-3) })
    }
  })

  it('lovaszSoftmax averages over the classes that are there', () => {
    const random = new Random(5)
    const [batch, classes, pixels] = [3, 4, 11]
    const p = held(
      type,
      random.list(batch * classes * pixels, () => random.uniform()),
    )
    // Class 3 never occurs.
    const labels = random.list(batch * pixels, () => (random.integer(6) === 0 ? -100 : random.integer(3)))
    const input = { data: floats(type, p), shape: [batch, classes, pixels] }
    const target = { data: Int32Array.from(labels), shape: [batch, pixels] }
    const truthOf = (chosen: readonly number[]) => {
      const counted = chosen
        .flatMap(b =>
          Array.from({ length: pixels }, (_, i) => ({ b, i, label: labels[b * pixels + i] as number })),
        )
        .filter(({ label }) => label !== -100)
      const present = [0, 1, 2, 3].filter(c => counted.some(({ label }) => label === c))
      const grad = p.map(() => 0)
      let value = 0
      for (const c of present) {
        const at = counted.map(({ b, i }) => (b * classes + c) * pixels + i)
        const object = counted.map(({ label }) => label === c)
        const one = lovasz(
          at.map((k, n) => Math.abs(Number(object[n]) - (p[k] as number))),
          object,
        )
        value += one.value / present.length
        at.forEach((k, n) => {
          grad[k] = ((object[n] ? -1 : 1) * (one.weights[n] as number)) / present.length
        })
      }
      return { value, grad }
    }
    const pooled = truthOf([0, 1, 2])
    const whole = lovaszSoftmax.valueAndGrad(input, target)
    expect(whole.value).toBeCloseTo(pooled.value, type === 'float32' ? 6 : 13)
    expectAllNear(whole.grad.pred as Floats, pooled.grad, type, near, { scale: pooled.grad.map(() => 1e-3) })

    const each = [0, 1, 2].map(b => truthOf([b]))
    const single = lovaszSoftmax.valueAndGrad(input, target, { perImage: true, reduction: 'none' })
    expectAllNear(
      single.value as Floats,
      each.map(t => t.value),
      type,
      near,
    )
    const gradient = each.reduce(
      (all, t) => all.map((g, i) => g + (t.grad[i] as number)),
      p.map(() => 0),
    )
    expectAllNear(single.grad.pred as Floats, gradient, type, near, { scale: gradient.map(() => 1e-3) })
  })

  it('lovaszHinge has one value for the batch, or one for each image', () => {
    const pred = { data: floats(type, [2, -1, 0.5, 3]), shape: [2, 2] }
    const target = [
      [1, 1],
      [0, 1],
    ]
    expect((lovaszHinge(pred, target, { reduction: 'none' }) as Floats).length).toBe(1)
    const each = lovaszHinge(pred, target, { perImage: true, reduction: 'none' }) as Floats
    expectAllSame(each, [1, 0.75])
    expect(lovaszHinge(pred, target, { perImage: true })).toBe(0.875)
  })

  it('without an object, the largest error alone counts', () => {
    expect(lovaszHinge(floats(type, [0.5, 2, -3]), [0, 0, 0])).toBe(3)
    expectAllSame(lovaszHinge.grad(floats(type, [0.5, 2, -3]), [0, 0, 0]).pred as Floats, [0, 1, 0])
  })

  it('pass NaN on, and stay finite in its absence', () => {
    const { value, grad } = lovaszHinge.valueAndGrad(floats(type, [Number.NaN, 1]), [0, 1])
    expect(value).toBeNaN()
    expect(Array.from(grad.pred as Floats)).toEqual([Number.NaN, Number.NaN])
    const huge = lovaszHinge.valueAndGrad(floats(type, [-1e30, 1e30, Number.NEGATIVE_INFINITY]), [1, 1, 0])
    expect(huge.value).toBeCloseTo(0.5e30, -24)
  })
})
