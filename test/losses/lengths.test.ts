/** Every length around the width of a vector and of a block, unaligned memory, NaN in body and tail. */

import { describe, expect, it } from 'vitest'
import { everyOf, reduced } from '../support/calls.ts'
import { EVERY_LOSS, type Tensor } from '../support/every-loss/index.ts'
import { sampleOf, termsOf, unaligned, withNumber } from '../support/every-loss/tensors.ts'
import { exactQuotient } from '../support/exact.ts'
import { expectAllNear, expectAllSame, expectAllUlps, expectSame } from '../support/expect.ts'
import { FLOATS, type Floats, shifted, zeros } from '../support/floats.ts'
import { Random } from '../support/random.ts'

const LENGTHS = [
  0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 65, 2047, 2048, 2049, 4096, 5000, 9001,
]
const RELATIVE = { float32: 1e-6, float64: 4e-15 }
/** Larger samples walk whole blocks sooner. */
const MOST_NUMBERS = 40_000

describe.each(FLOATS)('in %s', type => {
  describe.each(EVERY_LOSS)('$name', entry => {
    const { loss, ulps, coupled, atMost, pools, axes, places, batch } = entry
    const one = batch(new Random(1), 1, type)
    const width = Math.max(...one.inputs.map(({ data }) => data.length))
    const most = Math.min(atMost, MOST_NUMBERS / width)

    it.each(LENGTHS.filter(length => length <= most && !(pools && length === 0)))(
      'is right in each of %i samples',
      length => {
        const made = batch(new Random(length + 1), length, type)
        const { inputs, options, values, masses, grads, slack } = made
        const both = everyOf(loss, inputs, options)
        expectAllUlps(both.value, values, type, ulps[type], { slack })
        for (const [key, truth] of Object.entries(grads)) {
          expectAllNear(both.grad[key] as Floats, truth.values, type, RELATIVE[type], { ...truth, what: key })
        }
        expectSame(reduced(loss, inputs, options), exactQuotient(termsOf(both.value, made), masses))
      },
    )

    it('has the same bits wherever its arrays begin', () => {
      for (const length of [1, 7, 17, 100, 2049, 9001].filter(length => length <= most)) {
        const { inputs, options } = batch(new Random(length), length, type)
        const both = everyOf(loss, inputs, options)
        const out = Object.fromEntries(
          Object.keys(places).map(key => [key, shifted((both.grad[key] as Floats).slice())]),
        )
        const value = shifted(both.value.slice())
        const moved = everyOf(loss, unaligned(inputs), {
          ...options,
          out: Object.keys(places).length === 0 ? value : { ...out, value },
        })
        expect(moved.value).toBe(value)
        expectAllSame(moved.value, both.value)
        for (const key of Object.keys(places)) {
          expect(moved.grad[key]).toBe(out[key])
          expectAllSame(moved.grad[key] as Floats, both.grad[key] as Floats, key)
        }
      }
    })

    it('keeps the neighbours of an output array as they were', () => {
      const { inputs, options, values, grads } = batch(new Random(3), 19, type)
      const around = (length: number) => zeros(type, length + 32).fill(-77)
      const inside = (array: Floats) => array.subarray(16, array.length - 16)
      const outer = Object.entries(grads).map(([key, truth]) => [key, around(truth.values.length)] as const)
      const outerValues = around(values.length)
      const out = Object.fromEntries(outer.map(([key, array]) => [key, inside(array)]))
      const value = inside(outerValues)
      everyOf(loss, inputs, { ...options, out: outer.length === 0 ? value : { ...out, value } })
      for (const array of [outerValues, ...outer.map(([, array]) => array)]) {
        expectAllSame(array.subarray(0, 16), new Array(16).fill(-77))
        expectAllSame(array.subarray(array.length - 16), new Array(16).fill(-77))
      }
    })

    // What refuses NaN, and what may not read it, is tested with the loss.
    const { reads, steps, refuses } = entry
    const refusesNaN =
      refuses && ['bce', 'minimaxGan.generator', 'nonSaturatingGan.generator'].includes(entry.lossName)
    if (reads === undefined || coupled || refusesNaN) return
    it('lets NaN through from any place, and changes no other sample', () => {
      const length = Math.min(2048 + 35, Math.floor(most))
      const made = batch(new Random(5), length, type)
      const { inputs, options, masses } = made
      const clean = everyOf(loss, inputs, options)
      const owners = Object.entries(places).map(([key, position]) => {
        const input = inputs[position as number] as Tensor
        const axis = axes[position as number] as number
        return { key, samples: Array.from(input.data, (_, i) => sampleOf(input, axis, i)) }
      })
      const spots = [0, 1, 14, 16, 31, 1000, 2047, 2048, 2079, 2080, 2081, 2082, length - 1]
      for (const place of spots.filter(place => place < length)) {
        const dirtied = withNumber(inputs, 0, reads(made, place, place), Number.NaN)
        const dirty = everyOf(loss, dirtied, options)
        const skipped = masses[place] === 0
        const expected = Array.from(clean.value)
        expected[place] = skipped ? 0 : Number.NaN
        expectAllSame(dirty.value, expected)
        expectSame(reduced(loss, dirtied, options), skipped ? reduced(loss, inputs, options) : Number.NaN)
        for (const { key, samples } of owners) {
          const gradient = Array.from(clean.grad[key] as Floats)
          const actual = Array.from(dirty.grad[key] as Floats)
          gradient.forEach((_, i) => {
            if (skipped || samples[i] !== place) return
            // It may be a number that has nothing to do with the NaN.
            gradient[i] = steps ? (actual[i] as number) : Number.NaN
          })
          expectAllSame(actual, gradient, key)
        }
      }
    })
  })
})
