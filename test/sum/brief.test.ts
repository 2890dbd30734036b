import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bceWithLogits, gaussianNll, hinge, huber, mbe, mse } from '../../lib/index.ts'

/** Floats whose exponents lie close together or far apart, with what is no ordinary number among them. */
const numbers = fc
  .tuple(fc.integer({ min: 0, max: 140 }), fc.integer({ min: -140, max: 100 }))
  .chain(([spread, lowest]) =>
    fc
      .array(
        fc.oneof(
          { weight: 30, arbitrary: fc.tuple(fc.double({ min: -2, max: 2, noNaN: true }), fc.nat(spread)) },
          { weight: 2, arbitrary: fc.constant([0, 0] as const) },
          {
            weight: 1,
            arbitrary: fc.constantFrom([Infinity, 0] as const, [NaN, 0] as const, [-0, 0] as const),
          },
        ),
        { maxLength: 70 },
      )
      .map(list => Float32Array.from(list, ([x, up]) => x * 2 ** Math.min(lowest + up, 127))),
  )

/** Few floats are summed in a double where it holds all digits; an accumulator always sums exactly. */
describe('A few numbers, which are summed in a short way,', () => {
  it('have the mean and the sum of the long way, bit for bit', () => {
    fc.assert(
      fc.property(numbers, pred => {
        const target = new Float32Array(pred.length)
        for (const loss of [mse, mbe, huber]) {
          for (const reduction of ['mean', 'sum'] as const) {
            expect(loss(pred, target, { reduction })).toBe(
              loss.accumulator({ reduction }).update(pred, target).value,
            )
          }
          expect(loss(pred, target, { divisor: 3 })).toBe(
            loss.accumulator({ divisor: 3 }).update(pred, target).value,
          )
        }
      }),
      { numRuns: 500, seed: 51 },
    )
  })

  it('have the gradients of the long way', () => {
    fc.assert(
      fc.property(numbers, logits => {
        const target = Float32Array.from(logits, (_, i) => i % 2)
        const ones = new Float32Array(logits.length).fill(1)
        const options = { upstream: 3 }
        const brief = bceWithLogits.valueAndGrad(logits, target, options)
        const long = bceWithLogits.valueAndGrad(logits, target, { ...options, weight: ones })
        expect(brief).toEqual(long)
        const twice = gaussianNll.valueAndGrad(logits, target, ones)
        expect(twice).toEqual(gaussianNll.valueAndGrad(logits, target, ones, { weight: ones }))
      }),
      { numRuns: 300, seed: 52 },
    )
  })

  it('are refused as many are', () => {
    expect(() => hinge(Float32Array.of(1, 2, 3), Float32Array.of(1, -1, 0.5))).toThrow(
      expect.objectContaining({ code: 'ERR_DOMAIN', index: 2, value: 0.5 }),
    )
  })
})
