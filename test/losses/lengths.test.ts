/** Every length around the width of a vector and of a block, unaligned memory, NaN in body and tail. */

import { describe, it } from 'vitest'
import { EVERY_LOSS } from '../support/every-loss.ts'
import { exactQuotient } from '../support/exact.ts'
import { expectAllNear, expectAllSame, expectAllUlps, expectSame } from '../support/expect.ts'
import { FLOATS, type Floats, shifted } from '../support/floats.ts'
import { Random } from '../support/random.ts'

const LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 65, 2047, 2048, 2049, 4096, 5000]
const RELATIVE = { float32: 1e-6, float64: 4e-15 }

describe.each(FLOATS)('in %s', type => {
  describe.each(EVERY_LOSS)('$name', ({ loss, key, options, width, ulps, batch }) => {
    const none = { ...options, reduction: 'none' } as const

    it.each(LENGTHS)('is right in each of %i samples', length => {
      const { input, target, values, masses, grad, scale, slack } = batch(
        new Random(length + 1),
        length,
        type,
      )
      const both = loss.valueAndGrad(input, target, none)
      expectAllUlps(both.value, values, type, ulps[type], { slack: slack.values })
      expectAllNear(both.grad[key] as Floats, grad, type, RELATIVE[type], { scale, slack: slack.grad })
      expectSame(loss(input, target, options), exactQuotient(both.value, masses))
    })

    it('has the same bits wherever its arrays begin', () => {
      for (const length of [1, 7, 17, 100, 2049]) {
        const { input, target } = batch(new Random(length), length, type)
        const both = loss.valueAndGrad(input, target, none)
        const t = target as Floats | Int32Array | { data: Floats; shape: number[] }
        const movedTarget =
          'data' in t
            ? { data: shifted(t.data), shape: t.shape }
            : t instanceof Int32Array
              ? new Int32Array(Int32Array.of(0, ...t).buffer, 4)
              : shifted(t)
        const out = {
          [key]: shifted(input.data.slice() as Floats),
          value: shifted(both.value.slice() as Floats),
        }
        const moved = loss.valueAndGrad({ data: shifted(input.data), shape: input.shape }, movedTarget, {
          ...none,
          out,
        })
        expectAllSame(moved.value, both.value)
        expectAllSame(moved.grad[key] as Floats, both.grad[key] as Floats)
      }
    })

    it('keeps the neighbours of an output array as they were', () => {
      const length = 19
      const { input, target } = batch(new Random(3), length, type)
      const Kind = input.data.constructor as Float64ArrayConstructor
      const around = new Kind(input.data.length + 32).fill(-77)
      const aroundValues = new Kind(length + 32).fill(-77)
      const out = {
        [key]: around.subarray(16, 16 + input.data.length),
        value: aroundValues.subarray(16, 16 + length),
      }
      loss.valueAndGrad(input, target, { ...none, out })
      for (const array of [around, aroundValues]) {
        expectAllSame(array.subarray(0, 16), new Array(16).fill(-77))
        expectAllSame(array.subarray(array.length - 16), new Array(16).fill(-77))
      }
    })

    // bce refuses NaN, see bce.test.ts.
    if (loss.lossName === 'bce') return
    it('lets NaN through from any place, and changes no other sample', () => {
      const length = 2048 + 35
      const { input, target, masses } = batch(new Random(5), length, type)
      const clean = loss.valueAndGrad(input, target, none)
      for (const place of [0, 1, 14, 16, 31, 1000, 2047, 2048, 2079, 2080, 2081, 2082]) {
        // nll reads the labelled class alone; its column is the label itself.
        const labels = target as Int32Array
        const column = loss.lossName === 'nll' ? Math.max(labels[place] as number, 0) : place % width
        const data = input.data.slice() as Floats
        data[place * width + column] = Number.NaN
        const dirty = loss.valueAndGrad({ data, shape: input.shape }, target, none)
        const skipped = masses[place] === 0
        const expected = Array.from(clean.value)
        expected[place] = skipped ? 0 : Number.NaN
        expectAllSame(dirty.value, expected)
        expectSame(
          loss({ data, shape: input.shape }, target, options),
          skipped ? loss(input, target, options) : Number.NaN,
        )

        const gradient = Array.from(clean.grad[key] as Floats)
        const constant = loss.lossName === 'mbe' || loss.lossName === 'nll'
        if (!constant && !skipped) gradient.fill(Number.NaN, place * width, (place + 1) * width)
        expectAllSame(dirty.grad[key] as Floats, gradient)
      }
    })
  })
})
