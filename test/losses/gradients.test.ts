/** Gradients against central differences of the values, in float64. */

import fc from 'fast-check'
import { describe, it } from 'vitest'
import { everyOf, valuesOf } from '../support/calls.ts'
import { expectSlopes, slopesOfSamples, slopesOfSum, USUAL } from '../support/differences.ts'
import { EVERY_LOSS, type Tensor } from '../support/every-loss/index.ts'
import { sampleOf, withInput } from '../support/every-loss/tensors.ts'
import type { AnyLoss, Options } from '../support/losses.ts'
import { bce, bceWithLogits, crossEntropy, huber, mae, mse } from '../support/losses.ts'
import { Random } from '../support/random.ts'

/** Of a loss of an input and a target, whose samples are not coupled. */
function expectOwnSlopes(
  loss: AnyLoss,
  key: string,
  input: Tensor,
  target: unknown,
  options: Options,
  differences: Partial<typeof USUAL> = {},
): void {
  const { value, grad } = everyOf(loss, [input, target], options)
  const all = { ...USUAL, ...differences }
  const sample = (i: number) => sampleOf(input, 0, i)
  const slopes = slopesOfSamples(
    input,
    sample,
    data => valuesOf(loss, [{ data, shape: input.shape }, target], options),
    all.step,
  )
  expectSlopes(grad[key] as ArrayLike<number>, slopes, i => Math.abs(value[sample(i)] as number), all)
}

const vector = (values: readonly number[]): Tensor => ({
  data: Float64Array.from(values),
  shape: [values.length],
})

const differentiable = EVERY_LOSS.filter(
  ({ places, differences }) => Object.keys(places).length > 0 && !Number.isNaN(differences.step),
)

describe.each(differentiable)('$name', ({ loss, places, coupled, axes, differences, batch }) => {
  it('has the slopes of its value as its gradients', () => {
    const random = new Random(11)
    for (let round = 0; round < (coupled ? 2 : 5); round++) {
      const { inputs, options } = batch(random, coupled ? 9 : 60, 'float64')
      const { value, grad } = everyOf(loss, inputs, options)
      const most = Array.from(value).reduce((a, b) => a + Math.abs(b), 0)
      for (const [key, place] of Object.entries(places)) {
        const input =
          typeof place === 'number'
            ? (inputs[place] as Tensor)
            : { data: options[place] as Float64Array, shape: [] }
        const moved = (data: Float64Array) =>
          typeof place === 'number'
            ? valuesOf(loss, withInput(inputs, place, data), options)
            : valuesOf(loss, inputs, { ...options, [place]: data })
        const gradient = grad[key] as ArrayLike<number>
        if (coupled) {
          const slopes = slopesOfSum(input, moved, differences.step)
          expectSlopes(gradient, slopes, () => most, differences, key)
        } else {
          const sample = (i: number) => sampleOf(input, axes[place as number] as number, i)
          const slopes = slopesOfSamples(input, sample, moved, differences.step)
          expectSlopes(gradient, slopes, i => Math.abs(value[sample(i)] as number), differences, key)
        }
      }
    }
  })
})

describe('far out', () => {
  it('the gradients of the regression losses are still their slopes', () => {
    const pred = vector([1e6, -1e6, 1e4, -3e4])
    const target = Float64Array.of(0, 1, 2, 3)
    expectOwnSlopes(mse, 'pred', pred, target, {}, { step: 1 })
    expectOwnSlopes(mae, 'pred', pred, target, {}, { step: 1 })
    expectOwnSlopes(huber, 'pred', pred, target, { delta: 100 }, { step: 1 })
  })

  it('the gradient of bceWithLogits is still its slope', () => {
    const x = [-700, -100, -40, -20, 20, 40, 100, 700]
    const logits = vector([...x, ...x, ...x])
    const target = Float64Array.from([...x.map(() => 0), ...x.map(() => 1), ...x.map(() => 0.25)])
    for (const posWeight of [1, 7]) expectOwnSlopes(bceWithLogits, 'pred', logits, target, { posWeight })
  })

  it('the gradient of crossEntropy is still its slope', () => {
    const data = Float64Array.from([30, -30, 0, 700, 0, -700, -40, 0, 40, 1e5, 1e5, 1e5])
    const logits = { data, shape: [4, 3] }
    for (const labelSmoothing of [0, 0.25]) {
      for (const label of [0, 1, 2]) {
        const labels = Int32Array.of(label, label, label, label)
        expectOwnSlopes(crossEntropy, 'logits', logits, labels, { labelSmoothing }, { tolerance: 4e-9 })
      }
    }
  })

  it('the gradient of bce is still its slope, near 0 and near 1', () => {
    const pred = vector([2 ** -10, 1 - 2 ** -10, 2 ** -20, 1 - 2 ** -20])
    const step = 2 ** -30
    for (const t of [0, 1, 0.5]) {
      const target = Float64Array.of(t, t, t, t)
      // relative error of a central difference of log p: (step / p)² / 3
      expectOwnSlopes(bce, 'pred', pred, target, {}, { step, tolerance: 1e-6 })
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
          expectOwnSlopes(crossEntropy, 'logits', logits, Int32Array.from(labels), options, {
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
          expectOwnSlopes(crossEntropy, 'logits', logits, target, options, { tolerance: 1e-7 })
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
          expectOwnSlopes(bceWithLogits, 'pred', vector(x), Float64Array.from(t), options, {
            tolerance: 1e-7,
          })
        },
      ),
      { numRuns: 200, seed: 7 },
    )
  })
})
