/** What holds for every loss: reductions, divisors, weights of the caller, empty batches, in every form of the call. */

import { describe, expect, it } from 'vitest'
import { EVERY_LOSS } from '../support/every-loss.ts'
import { exactQuotient, exactSum } from '../support/exact.ts'
import { expectAllNear, expectAllSame, expectSame } from '../support/expect.ts'
import { FLOATS, type Floats, floats, zeros } from '../support/floats.ts'
import { exportedLosses } from '../support/losses.ts'
import { Random } from '../support/random.ts'

const SAMPLES = 37
/** A few roundings on either side. */
const RELATIVE = { float32: 3e-7, float64: 1e-15 }

it('is tested for every loss that is exported', () => {
  const tested = new Set(EVERY_LOSS.map(({ loss }) => loss.lossName))
  expect(
    exportedLosses()
      .map(loss => loss.lossName)
      .sort(),
  ).toEqual([...tested].sort())
})

describe.each(FLOATS)('in %s', type => {
  describe.each(EVERY_LOSS)('$name', ({ loss, key, options, width, batch }) => {
    const { input, target, masses, scale } = batch(new Random(7), SAMPLES, type)
    /** What errors of a gradient by this factor are relative to. */
    const times = (factor: number) => ({ scale: scale.map(term => Math.abs(factor * term)) })
    const gradOf = (more: Record<string, unknown>) =>
      loss.grad(input, target, { ...options, ...more })[key] as Floats
    const none = { ...options, reduction: 'none' } as const
    const terms = loss(input, target, none)
    const summed = gradOf({ reduction: 'sum' })
    const divisor = masses.reduce((a, b) => a + b, 0)

    it('gives per-sample values in the compute type, in a new array', () => {
      expect(terms).toBeInstanceOf(type === 'float32' ? Float32Array : Float64Array)
      expect(terms.length).toBe(SAMPLES)
      expect(loss(input, target, none)).not.toBe(terms)
    })

    it('sums the per-sample values exactly and rounds once', () => {
      expectSame(loss(input, target, { ...options, reduction: 'sum' }), exactSum(terms))
    })

    it('divides the exact sum by the divisor and rounds once', () => {
      expectSame(loss(input, target, { ...options, reduction: 'mean' }), exactQuotient(terms, masses))
    })

    it('reduces to the mean if not told otherwise', () => {
      expectSame(loss(input, target, options), loss(input, target, { ...options, reduction: 'mean' }))
      expectAllSame(gradOf({}), gradOf({ reduction: 'mean' }))
    })

    it('divides by the divisor of the caller instead of its own', () => {
      for (const by of [3, 0.1, 1e6]) {
        expectSame(loss(input, target, { ...options, divisor: by }), exactQuotient(terms, [by]))
        expectAllNear(
          gradOf({ divisor: by }),
          Array.from(summed, g => g / by),
          type,
          RELATIVE[type],
          times(1 / by),
        )
      }
    })

    it('ignores the divisor in a sum', () => {
      expectSame(loss(input, target, { ...options, reduction: 'sum', divisor: 3 }), exactSum(terms))
    })

    it('scales the gradient by 1 / divisor and by the incoming gradient', () => {
      expectAllNear(
        gradOf({}),
        Array.from(summed, g => g / divisor),
        type,
        RELATIVE[type],
        times(1 / divisor),
      )
      expectAllNear(
        gradOf({ upstream: -2.5 }),
        Array.from(summed, g => (-2.5 * g) / divisor),
        type,
        2 * RELATIVE[type],
        times(2.5 / divisor),
      )
      expectAllSame(
        gradOf({ upstream: 4, reduction: 'sum' }),
        Array.from(summed, g => 4 * g),
      )
      expectAllSame(gradOf({ upstream: 0, reduction: 'sum' }), new Array(summed.length).fill(0))
    })

    it('without reduction takes one incoming gradient per sample', () => {
      const upstream = floats(
        type,
        new Random(8).list(SAMPLES, () => new Random(9).normal()),
      )
      upstream[3] = 0
      upstream[4] = -2
      expectAllSame(gradOf({ reduction: 'none' }), summed)
      expectAllNear(
        gradOf({ reduction: 'none', upstream }),
        Array.from(summed, (g, i) => g * (upstream[Math.floor(i / width)] as number)),
        type,
        RELATIVE[type],
        { scale: scale.map((term, i) => Math.abs(term * (upstream[Math.floor(i / width)] as number))) },
      )
      expectAllSame(
        gradOf({ reduction: 'none', upstream: 2 }),
        Array.from(summed, g => 2 * g),
      )
    })

    it('gives the same bits in valueAndGrad as in two calls', () => {
      for (const reduction of ['mean', 'sum'] as const) {
        const both = loss.valueAndGrad(input, target, { ...options, reduction })
        expectSame(both.value, loss(input, target, { ...options, reduction }))
        expectAllSame(both.grad[key] as Floats, gradOf({ reduction }))
      }
      const both = loss.valueAndGrad(input, target, none)
      expectAllSame(both.value, terms)
      expectAllSame(both.grad[key] as Floats, summed)
    })

    it('gives the same bits off the event loop', async () => {
      expectSame(await loss.async(input, target, options), loss(input, target, options))
      const both = await loss.async.valueAndGrad(input, target, options)
      expectSame(both.value, loss(input, target, options))
      expectAllSame(both.grad[key] as Floats, gradOf({}))
    })

    it('writes into the arrays of the caller', () => {
      const value = zeros(type, SAMPLES)
      const pred = zeros(type, input.data.length)
      expect(loss(input, target, { ...none, out: value })).toBe(value)
      expectAllSame(value, terms)
      const grad = loss.grad(input, target, { ...options, reduction: 'sum', out: { [key]: pred } })
      expect(grad[key]).toBe(pred)
      expectAllSame(pred, summed)
      const both = loss.valueAndGrad(input, target, {
        ...none,
        out: { [key]: pred.fill(7), value: value.fill(7) },
      })
      expect(both.value).toBe(value)
      expect(both.grad[key]).toBe(pred)
      expectAllSame(value, terms)
      expectAllSame(pred, summed)
    })

    it('may write the gradient over its input', () => {
      const data = input.data.slice() as Floats
      const inPlace = { data, shape: input.shape }
      const both = loss.valueAndGrad(inPlace, target, { ...options, out: { [key]: data } })
      expect(both.grad[key]).toBe(data)
      expectSame(both.value, loss(input, target, options))
      expectAllSame(data, gradOf({}))
    })

    it('gives the same from a bound call, each time, and follows the inputs', () => {
      const data = input.data.slice() as Floats
      const run = loss.bind({ data, shape: input.shape }, target, { ...options, grad: true })
      const before = run()
      expectSame(before, loss(input, target, options))
      expectAllSame(run.grad[key] as Floats, gradOf({}))
      const other = batch(new Random(70), SAMPLES, type).input.data
      data.set(other as never)
      expectSame(run(), loss({ data: other, shape: input.shape }, target, options))
      expectAllSame(
        run.grad[key] as Floats,
        loss.grad({ data: other, shape: input.shape }, target, options)[key] as Floats,
      )
      data.set(input.data as never)
      expectSame(run(), before)
    })

    it('gives the same from an accumulator, in one piece and in two', () => {
      const at = 17
      const part = (from: number, to: number) => {
        const cut = (data: Floats, each: number) => data.subarray(from * each, to * each) as Floats
        const shape = [to - from, ...input.shape.slice(1)]
        const t = target as Floats | { data: Floats; shape: number[] }
        return [
          { data: cut(input.data, width), shape },
          'data' in t ? { data: cut(t.data, width), shape } : cut(t, 1),
        ] as const
      }
      for (const reduction of ['mean', 'sum'] as const) {
        const whole = loss.accumulator({ ...options, reduction }).update(input, target)
        expectSame(whole.value, loss(input, target, { ...options, reduction }))
        expect(whole.count).toBe(masses.filter(mass => mass !== 0).length)
        const halves = loss.accumulator({ ...options, reduction }).update(...part(0, at))
        halves.merge(loss.accumulator({ ...options, reduction }).update(...part(at, SAMPLES)))
        expectSame(halves.value, whole.value)
        expect(halves.count).toBe(whole.count)
        expect(halves.toBytes()).toEqual(whole.toBytes())
        expectSame(loss.accumulator.fromBytes(halves.toBytes(), { ...options, reduction }).value, whole.value)
      }
    })

    it('of nothing is 0 in sum, NaN in the mean and empty without reduction', () => {
      const shape = [0, ...input.shape.slice(1)]
      const nothing = { data: zeros(type, 0), shape }
      const t = target as Floats | { data: Floats }
      const noTarget = 'data' in t ? { data: zeros(type, 0), shape } : t.slice(0, 0)
      expectSame(loss(nothing, noTarget, { ...options, reduction: 'sum' }), 0)
      expectSame(loss(nothing, noTarget, options), Number.NaN)
      expectSame(loss(nothing, noTarget, { ...options, onEmpty: 'nan' }), Number.NaN)
      expectSame(loss(nothing, noTarget, { ...options, onEmpty: 'zero' }), 0)
      expect(loss(nothing, noTarget, none).length).toBe(0)
      expect((loss.grad(nothing, noTarget, options)[key] as Floats).length).toBe(0)
      expectSame(loss.accumulator(options).value, Number.NaN)
      expectSame(loss.accumulator({ ...options, onEmpty: 'zero' }).value, 0)
      expectSame(loss.accumulator({ ...options, reduction: 'sum' }).value, 0)
    })

    it('leaves its inputs as they were', () => {
      const data = input.data.slice()
      loss.valueAndGrad(input, target, options)
      expectAllSame(input.data, data)
    })
  })
})
