/** Gradients against central differences of the values, in float64. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EVERY_LOSS, type Tensor } from '../support/every-loss.ts'
import type { AnyLoss, Options } from '../support/losses.ts'
import { bce, bceWithLogits, crossEntropy, huber, mae, mse } from '../support/losses.ts'
import { Random } from '../support/random.ts'

/**
 * The derivative of every sample by its own columns: one column of the input moves at a time, in all rows at once.
 */
function differences(
  loss: AnyLoss,
  input: Tensor,
  target: unknown,
  options: Options,
  step: number,
): number[] {
  const rows = input.shape[0] as number
  const width = rows === 0 ? 1 : input.data.length / rows
  const result = new Array<number>(input.data.length)
  const moved = (column: number, by: number) => {
    const data = Float64Array.from(input.data, (value, i) => (i % width === column ? value + by : value))
    return loss({ data, shape: input.shape }, target, { ...options, reduction: 'none' })
  }
  for (let column = 0; column < width; column++) {
    const above = moved(column, step)
    const below = moved(column, -step)
    for (let row = 0; row < rows; row++) {
      result[row * width + column] = ((above[row] as number) - (below[row] as number)) / (2 * step)
    }
  }
  return result
}

function expectSlopes(
  loss: AnyLoss,
  key: string,
  input: Tensor,
  target: unknown,
  options: Options,
  { step = 2 ** -17, tolerance = 2e-9 } = {},
): void {
  const slopes = differences(loss, input, target, options, step)
  const { value, grad } = loss.valueAndGrad(input, target, { ...options, reduction: 'none' })
  const width = input.data.length / value.length
  const gradient = grad[key] as ArrayLike<number>
  slopes.forEach((slope, i) => {
    // The difference of two values has their rounding errors, divided by the step.
    const noise = (2 ** -52 * Math.abs(value[Math.floor(i / width)] as number)) / step
    const apart = Math.abs((gradient[i] as number) - slope)
    const allowed = tolerance * Math.max(1, Math.abs(slope)) + 2 * noise
    expect(apart, `d/dx[${i}]: gradient ${gradient[i]}, difference ${slope}`).toBeLessThanOrEqual(allowed)
  })
}

const vector = (values: readonly number[]): Tensor => ({
  data: Float64Array.from(values),
  shape: [values.length],
})

describe.each(EVERY_LOSS)('$name', ({ name, loss, key, options, batch }) => {
  it('has the slope of its value as its gradient', () => {
    const random = new Random(11)
    for (let round = 0; round < 5; round++) {
      const { input, target } = batch(random, 60, 'float64')
      // The third derivative of bce is of the order of 1 / p³.
      const bceSteep = name === 'bce' ? { step: 2 ** -24, tolerance: 1e-8 } : {}
      expectSlopes(loss, key, input, target, options, bceSteep)
    }
  })
})

describe('far out', () => {
  it('the gradients of the regression losses are still their slopes', () => {
    const pred = vector([1e6, -1e6, 1e4, -3e4])
    const target = Float64Array.of(0, 1, 2, 3)
    expectSlopes(mse, 'pred', pred, target, {}, { step: 1 })
    expectSlopes(mae, 'pred', pred, target, {}, { step: 1 })
    expectSlopes(huber, 'pred', pred, target, { delta: 100 }, { step: 1 })
  })

  it('the gradient of bceWithLogits is still its slope', () => {
    const x = [-700, -100, -40, -20, 20, 40, 100, 700]
    const logits = vector([...x, ...x, ...x])
    const target = Float64Array.from([...x.map(() => 0), ...x.map(() => 1), ...x.map(() => 0.25)])
    for (const posWeight of [1, 7]) expectSlopes(bceWithLogits, 'pred', logits, target, { posWeight })
  })

  it('the gradient of crossEntropy is still its slope', () => {
    const data = Float64Array.from([30, -30, 0, 700, 0, -700, -40, 0, 40, 1e5, 1e5, 1e5])
    const logits = { data, shape: [4, 3] }
    for (const labelSmoothing of [0, 0.25]) {
      for (const label of [0, 1, 2]) {
        const labels = Int32Array.of(label, label, label, label)
        expectSlopes(crossEntropy, 'logits', logits, labels, { labelSmoothing }, { tolerance: 4e-9 })
      }
    }
  })

  it('the gradient of bce is still its slope, near 0 and near 1', () => {
    const pred = vector([2 ** -10, 1 - 2 ** -10, 2 ** -20, 1 - 2 ** -20])
    const step = 2 ** -30
    for (const t of [0, 1, 0.5]) {
      const target = Float64Array.of(t, t, t, t)
      // relative error of a central difference of log p: (step / p)² / 3
      expectSlopes(bce, 'pred', pred, target, {}, { step, tolerance: 1e-6 })
    }
  })
})

describe('for any options', () => {
  const small = fc.double({ min: -8, max: 8, noNaN: true })
  const weights = fc.array(fc.double({ min: 0, max: 4, noNaN: true }), { minLength: 4, maxLength: 4 })

  it('crossEntropy of indices has the slope of its value as its gradient', () => {
    fc.assert(
      fc.property(
        fc.array(small, { minLength: 12, maxLength: 12 }),
        fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 3, maxLength: 3 }),
        weights,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: -1, max: 3 }),
        (z, labels, weight, labelSmoothing, ignoreIndex) => {
          const options = { weight: Float64Array.from(weight), labelSmoothing, ignoreIndex }
          const logits = { data: Float64Array.from(z), shape: [3, 4] }
          expectSlopes(crossEntropy, 'logits', logits, Int32Array.from(labels), options, {
            tolerance: 1e-8,
          })
        },
      ),
      { numRuns: 200, seed: 5 },
    )
  })

  it('crossEntropy of probabilities has the slope of its value as its gradient', () => {
    fc.assert(
      fc.property(
        fc.array(small, { minLength: 12, maxLength: 12 }),
        fc.array(fc.double({ min: 0, max: 2, noNaN: true }), { minLength: 12, maxLength: 12 }),
        weights,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (z, q, weight, labelSmoothing) => {
          const options = { weight: Float64Array.from(weight), labelSmoothing }
          const logits = { data: Float64Array.from(z), shape: [3, 4] }
          const target = { data: Float64Array.from(q), shape: [3, 4] }
          expectSlopes(crossEntropy, 'logits', logits, target, options, { tolerance: 1e-7 })
        },
      ),
      { numRuns: 200, seed: 6 },
    )
  })

  it('bceWithLogits has the slope of its value as its gradient', () => {
    const four = (values: fc.Arbitrary<number>) => fc.array(values, { minLength: 4, maxLength: 4 })
    fc.assert(
      fc.property(
        four(fc.double({ min: -50, max: 50, noNaN: true })),
        four(fc.double({ min: 0, max: 1, noNaN: true })),
        four(fc.double({ min: 0, max: 9, noNaN: true })),
        four(fc.double({ min: 0, max: 9, noNaN: true })),
        (x, t, posWeight, weight) => {
          const options = { posWeight: Float64Array.from(posWeight), weight: Float64Array.from(weight) }
          expectSlopes(bceWithLogits, 'pred', vector(x), Float64Array.from(t), options, {
            tolerance: 1e-7,
          })
        },
      ),
      { numRuns: 200, seed: 7 },
    )
  })
})
