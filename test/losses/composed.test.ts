/** The root of the mean squared error, and the discriminators, which are the sum of two means. */

import { describe, expect, it } from 'vitest'
import { bothOf, gradOf, reduced, valuesOf } from '../support/calls.ts'
import { expectSlopes, slopesOfSum, USUAL } from '../support/differences.ts'
import { DISCRIMINATORS, PLANNED_DISCRIMINATORS, rmse } from '../support/every-loss/composed.ts'
import { exactMean, exactSum } from '../support/exact.ts'
import { expectAllNear, expectAllSame, expectAllUlps, expectSame, expectUlps } from '../support/expect.ts'
import { FLOATS, type Floats, floats, held } from '../support/floats.ts'
import { Random } from '../support/random.ts'
import { rmse as rmseOf } from '../support/reference/index.ts'

const RELATIVE = { float32: 1e-6, float64: 8e-15 }
const [REAL, FAKE] = [300, 187]

it('there are discriminators to test', () => {
  expect(PLANNED_DISCRIMINATORS.length).toBeGreaterThan(0)
})

describe.each(FLOATS)('in %s', type => {
  describe.each(DISCRIMINATORS)('$name', ({ loss, options, game, next, differences }) => {
    const random = new Random(31)
    const real = floats(
      type,
      random.list(REAL, () => next(random)),
    )
    const fake = floats(
      type,
      random.list(FAKE, () => next(random)),
    )
    const sides = [
      { key: 'real', data: real, points: Array.from(real, x => game.real(x)) },
      { key: 'fake', data: fake, points: Array.from(fake, x => game.fake(x)) },
    ]
    const values = valuesOf(loss, [real, fake], options) as unknown as Record<string, Floats>

    it('has a value for each real and for each fake score', () => {
      for (const { key, points } of sides) {
        expectAllUlps(
          values[key] as Floats,
          points.map(({ value }) => value),
          type,
          type === 'float32' ? 2 : 8,
        )
      }
    })

    it('adds two means, whose batches may differ in size', () => {
      const means = sides.map(({ key }) => exactMean(values[key] as Floats))
      expectSame(reduced(loss, [real, fake], options), (means[0] as number) + (means[1] as number))
      const sums = sides.map(({ key }) => exactSum(values[key] as Floats))
      expectSame(
        reduced(loss, [real, fake], { ...options, reduction: 'sum' }),
        (sums[0] as number) + (sums[1] as number),
      )
    })

    it('has a gradient by each side', () => {
      for (const [reduction, upstream] of [
        ['mean', 1],
        ['sum', 1],
        ['mean', -2.5],
      ] as const) {
        const { value, grad } = bothOf(loss, [real, fake], { ...options, reduction, upstream })
        expectSame(value, reduced(loss, [real, fake], { ...options, reduction }))
        for (const { key, points } of sides) {
          const by = reduction === 'mean' ? upstream / points.length : upstream
          const slopes = points.map(({ grads }) => by * (grads[0] as number))
          expectAllNear(grad[key] as Floats, slopes, type, RELATIVE[type], { what: key })
        }
        const alone = gradOf(loss, [real, fake], { ...options, reduction, upstream })
        for (const { key } of sides) expectAllSame(alone[key] as Floats, grad[key] as Floats)
      }
    })

    it.runIf(type === 'float64')('has the slopes of its value as its gradients', () => {
      const [r, f] = [real.subarray(0, 20), fake.subarray(0, 13)]
      const all = { ...options, reduction: 'sum' }
      const gradients = gradOf(loss, [r, f], all)
      const size = Math.abs(reduced(loss, [r, f], all)) + 100
      const byReal = slopesOfSum(
        { data: r, shape: [20] },
        x => [reduced(loss, [x, f], all)],
        differences.step,
      )
      const byFake = slopesOfSum(
        { data: f, shape: [13] },
        x => [reduced(loss, [r, x], all)],
        differences.step,
      )
      expectSlopes(gradients.real as Floats, byReal, () => size, differences, 'real')
      expectSlopes(gradients.fake as Floats, byFake, () => size, differences, 'fake')
    })
  })

  describe.runIf(rmse !== undefined)('rmse', () => {
    const loss = rmse as NonNullable<typeof rmse>
    const random = new Random(32)
    const pred = floats(
      type,
      random.list(500, () => 3 * random.normal()),
    )
    const target = floats(
      type,
      random.list(500, () => 3 * random.normal()),
    )
    const truth = rmseOf(held(type, pred), held(type, target))

    it('is the root of the mean of the squares, with its gradient', () => {
      const { value, grad } = bothOf(loss, [pred, target])
      // Of squares that are rounded each, in a sum that is exact.
      expectUlps(value, truth.value, type, type === 'float32' ? 1 : 4)
      expectSame(reduced(loss, [pred, target]), value)
      expectAllNear(grad.pred, truth.grads[0] as number[], type, RELATIVE[type])
      const scaled = gradOf(loss, [pred, target], { upstream: -3 }).pred
      expectAllNear(
        scaled,
        (truth.grads[0] as number[]).map(g => -3 * g),
        type,
        RELATIVE[type],
      )
    })

    it.runIf(type === 'float64')('has the slopes of its value as its gradient', () => {
      const [x, t] = [pred.subarray(0, 20), target.subarray(0, 20)]
      const slopes = slopesOfSum({ data: x, shape: [20] }, data => [reduced(loss, [data, t])], USUAL.step)
      expectSlopes(gradOf(loss, [x, t]).pred, slopes, () => 10, USUAL, 'pred')
    })

    it('of equal tensors is 0 with a gradient of 0', () => {
      const { value, grad } = bothOf(loss, [pred, pred])
      expectSame(value, 0)
      expectAllSame(grad.pred, new Array(500).fill(0))
    })
  })
})
