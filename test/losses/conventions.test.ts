/** What holds for every loss: reductions, divisors, weights of the caller, empty batches, in every form of the call. */

import { describe, expect, it } from 'vitest'
import {
  accumulated,
  bothLater,
  bothOf,
  bound,
  everyOf,
  gradOf,
  reduced,
  reducedLater,
  valuesOf,
} from '../support/calls.ts'
import { EVERY_LOSS, type GradientTruth } from '../support/every-loss/index.ts'
import { copied, samplesOf, termsOf } from '../support/every-loss/tensors.ts'
import { exactQuotient, exactSum } from '../support/exact.ts'
import { expectAllNear, expectAllSame, expectAllUlps, expectSame } from '../support/expect.ts'
import { FLOATS, type Floats, floats, zeros } from '../support/floats.ts'
import type { Options } from '../support/losses.ts'
import { Random } from '../support/random.ts'

const SAMPLES = 37
/** A few roundings on either side. */
const RELATIVE = { float32: 3e-7, float64: 1e-15 }

describe.each(FLOATS)('in %s', type => {
  describe.each(EVERY_LOSS)('$name', entry => {
    const { loss, coupled, pools, inPlace, weighs, batch, truth } = entry
    const made = batch(new Random(7), SAMPLES, type)
    const { inputs, options, values, masses, lengths } = made
    const keys = Object.keys(entry.places)
    const divisor = masses.reduce((a, b) => a + b, 0)

    const gradientsOf = (more: Options) => gradOf(loss, inputs, { ...options, ...more })
    const terms = valuesOf(loss, inputs, options)
    /** What the mean adds up. */
    const shares = termsOf(terms, made)

    /** Every gradient is what the reference says for these incoming gradients. */
    function expectGradients(actual: ReturnType<typeof gradientsOf>, upstream: readonly number[]): void {
      const { grads } = truth(made, type, upstream)
      for (const key of keys) {
        const { values, scale, slack } = grads[key] as GradientTruth
        // The incoming gradients and the divisor add roundings to those of the gradient itself.
        const relative = type === 'float32' ? 1e-6 + RELATIVE.float32 : 8e-15
        expectAllNear(actual[key] as Floats, values, type, relative, {
          scale,
          slack: slack.map(s => 2 * s),
          what: key,
        })
      }
    }

    function expectSameGradients(
      actual: ReturnType<typeof gradientsOf>,
      expected: ReturnType<typeof gradientsOf>,
      factor = 1,
    ): void {
      for (const key of keys) {
        const by = Array.from(expected[key] as Floats, g => factor * g)
        expectAllSame(actual[key] as Floats, by, key)
      }
    }

    it('gives per-sample values in the compute type, in a new array', () => {
      expect(terms).toBeInstanceOf(type === 'float32' ? Float32Array : Float64Array)
      expect(terms.length).toBe(values.length)
      expect(valuesOf(loss, inputs, options)).not.toBe(terms)
    })

    it('sums the per-sample values exactly and rounds once', () => {
      expectSame(reduced(loss, inputs, { ...options, reduction: 'sum' }), exactSum(terms))
    })

    it('divides the exact sum by the divisor and rounds once', () => {
      expectSame(reduced(loss, inputs, { ...options, reduction: 'mean' }), exactQuotient(shares, masses))
    })

    it('reduces to the mean if not told otherwise', () => {
      expectSame(reduced(loss, inputs, options), reduced(loss, inputs, { ...options, reduction: 'mean' }))
      if (keys.length > 0) expectSameGradients(gradientsOf({}), gradientsOf({ reduction: 'mean' }))
    })

    it('divides by the divisor of the caller instead of its own', () => {
      for (const by of [3, 0.1, 1e6]) {
        expectSame(reduced(loss, inputs, { ...options, divisor: by }), exactQuotient(shares, [by]))
        if (keys.length === 0) continue
        expectGradients(
          gradientsOf({ divisor: by }),
          lengths.map(length => 1 / length / by),
        )
      }
    })

    it('ignores the divisor in a sum', () => {
      expectSame(reduced(loss, inputs, { ...options, reduction: 'sum', divisor: 3 }), exactSum(terms))
    })

    it.runIf(keys.length > 0)('scales the gradients by 1 / divisor and by the incoming gradient', () => {
      const summed = gradientsOf({ reduction: 'sum' })
      const mean = (upstream: number) => lengths.map(length => upstream / length / divisor)
      expectGradients(gradientsOf({}), mean(1))
      expectGradients(gradientsOf({ upstream: -2.5 }), mean(-2.5))
      expectSameGradients(gradientsOf({ upstream: 4, reduction: 'sum' }), summed, 4)
      expectSameGradients(gradientsOf({ upstream: 0, reduction: 'sum' }), summed, 0)
    })

    it.runIf(keys.length > 0)('without reduction takes one incoming gradient per sample', () => {
      const random = new Random(8)
      const upstream = floats(
        type,
        values.map(() => random.normal()),
      )
      if (upstream.length > 4) {
        upstream[3] = 0
        upstream[4] = -2
      }
      const summed = gradientsOf({ reduction: 'sum' })
      expectSameGradients(gradientsOf({ reduction: 'none' }), summed)
      expectGradients(gradientsOf({ reduction: 'none', upstream }), Array.from(upstream))
      expectSameGradients(gradientsOf({ reduction: 'none', upstream: 2 }), summed, 2)
    })

    it.runIf(weighs)('takes a weight for each value, which is not in the divisor', () => {
      const random = new Random(9)
      const weight = floats(
        type,
        values.map(() => 0.25 * random.integer(9)),
      )
      const more = { ...options, weight }
      const weighed = everyOf(loss, inputs, more)
      const products = Array.from(terms, (value, i) => value * (weight[i] as number))
      // The weight adds a rounding, and the value is perhaps not rounded before it.
      expectAllUlps(weighed.value, products, type, 2)
      expectSame(reduced(loss, inputs, { ...more, reduction: 'sum' }), exactSum(weighed.value))
      if (keys.length > 0) expectGradients(weighed.grad, Array.from(weight))
    })

    it.runIf(keys.length > 0)('gives the same bits in valueAndGrad as in two calls', () => {
      for (const reduction of ['mean', 'sum'] as const) {
        const both = bothOf(loss, inputs, { ...options, reduction })
        expectSame(both.value, reduced(loss, inputs, { ...options, reduction }))
        expectSameGradients(both.grad, gradientsOf({ reduction }))
      }
      const both = everyOf(loss, inputs, options)
      expectAllSame(both.value, terms)
      expectSameGradients(both.grad, gradientsOf({ reduction: 'none' }))
    })

    it('gives the same bits off the event loop', async () => {
      expectSame(await reducedLater(loss, inputs, options), reduced(loss, inputs, options))
      if (keys.length === 0) return
      const both = await bothLater(loss, inputs, options)
      expectSame(both.value, reduced(loss, inputs, options))
      expectSameGradients(both.grad, gradientsOf({}))
    })

    it('writes into the arrays of the caller', () => {
      const value = zeros(type, values.length)
      expect(valuesOf(loss, inputs, { ...options, out: value })).toBe(value)
      expectAllSame(value, terms)
      if (keys.length === 0) return
      const summed = gradientsOf({ reduction: 'sum' })
      const out = Object.fromEntries(keys.map(key => [key, zeros(type, summed[key]?.length as number)]))
      const grad = gradientsOf({ reduction: 'sum', out })
      for (const key of keys) expect(grad[key]).toBe(out[key])
      expectSameGradients(grad, summed)
      for (const key of keys) out[key]?.fill(7)
      const both = everyOf(loss, inputs, { ...options, out: { ...out, value: value.fill(7) } })
      expect(both.value).toBe(value)
      for (const key of keys) expect(both.grad[key]).toBe(out[key])
      expectAllSame(value, terms)
      expectSameGradients(both.grad, summed)
    })

    it.runIf(inPlace)('may write the gradients over their inputs', () => {
      const mine = copied(inputs)
      const own = Object.entries(entry.places).map(
        ([key, place]) => [key, mine[place as number]?.data] as const,
      )
      const both = bothOf(loss, mine, { ...options, out: Object.fromEntries(own) })
      for (const [key, data] of own) expect(both.grad[key]).toBe(data)
      expectSame(both.value, reduced(loss, inputs, options))
      expectSameGradients(both.grad, gradientsOf({}))
    })

    it('gives the same from a bound call, each time, and follows the inputs', () => {
      const mine = copied(inputs)
      const wanted = keys.length > 0 ? { grad: true } : {}
      const run = bound(loss, mine, { ...options, ...wanted })
      const before = run()
      expectSame(before, reduced(loss, inputs, options))
      if (keys.length > 0) expectSameGradients(run.grad, gradientsOf({}))
      const other = batch(new Random(70), SAMPLES, type)
      const set = (from: typeof inputs) => {
        mine.forEach(({ data }, k) => {
          data.set(from[k]?.data as never)
        })
      }
      set(other.inputs)
      expectSame(run(), reduced(loss, other.inputs, options))
      if (keys.length > 0) expectSameGradients(run.grad, gradOf(loss, other.inputs, options))
      set(inputs)
      expectSame(run(), before)
    })

    it('gives the same from an accumulator, in one piece and in two', () => {
      for (const reduction of ['mean', 'sum'] as const) {
        const all = { ...options, reduction }
        const whole = accumulated(loss, inputs, all)
        expectSame(whole.value, reduced(loss, inputs, all))
        expect(whole.count).toBe(masses.filter(mass => mass !== 0).length)
        expectSame(loss.accumulator.fromBytes(whole.toBytes(), all).value, whole.value)
        if (coupled) continue
        const halves = accumulated(loss, samplesOf(entry, inputs, 0, 17), all)
        halves.merge(accumulated(loss, samplesOf(entry, inputs, 17, SAMPLES), all))
        expectSame(halves.value, whole.value)
        expect(halves.count).toBe(whole.count)
        expect(halves.toBytes()).toEqual(whole.toBytes())
        expectSame(loss.accumulator.fromBytes(halves.toBytes(), all).value, whole.value)
      }
    })

    // A batch without images is one image without pixels where all are taken for one.
    it.runIf(!pools)('of nothing is 0 in sum, NaN in the mean and empty without reduction', () => {
      const nothing = batch(new Random(1), 0, type)
      const of = (more: Options = {}) => reduced(loss, nothing.inputs, { ...options, ...more })
      expectSame(of({ reduction: 'sum' }), 0)
      expectSame(of(), Number.NaN)
      expectSame(of({ onEmpty: 'nan' }), Number.NaN)
      expectSame(of({ onEmpty: 'zero' }), 0)
      const { value, grad } = everyOf(loss, nothing.inputs, options)
      expect(value.length).toBe(0)
      for (const key of keys) expectAllSame(grad[key] as Floats, nothing.grads[key]?.values as number[], key)
      expectSame(loss.accumulator(options).value, Number.NaN)
      expectSame(loss.accumulator({ ...options, onEmpty: 'zero' }).value, 0)
      expectSame(loss.accumulator({ ...options, reduction: 'sum' }).value, 0)
    })

    it('leaves its inputs as they were', () => {
      const before = copied(inputs)
      everyOf(loss, inputs, options)
      inputs.forEach(({ data }, k) => {
        expectAllSame(data, before[k]?.data as Floats)
      })
    })
  })
})
