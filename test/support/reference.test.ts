/** The reference itself: its gradients against central differences of its own values. */

import { describe, expect, it } from 'vitest'
import { expectSlopes, slopesOfSamples, slopesOfSum, USUAL } from './differences.ts'
import { PLANNED, type Tensor } from './every-loss/index.ts'
import { sampleOf, withInput } from './every-loss/tensors.ts'
import { Random } from './random.ts'
import * as reference from './reference/index.ts'

describe.each(PLANNED.filter(({ differences }) => !Number.isNaN(differences.step)))(
  'the reference of $name',
  ({ places, coupled, axes, differences, batch, truth }) => {
    it.runIf(Object.keys(places).length > 0)('has the slopes of its values as its gradients', () => {
      const random = new Random(51)
      for (let round = 0; round < 3; round++) {
        const made = batch(random, coupled ? 7 : 40, 'float64')
        const upstream = made.values.map(() => random.normal())
        const { grads } = truth(made, 'float64', upstream)
        const weighed = (values: readonly number[]) => values.map((v, i) => v * (upstream[i] as number))
        const most = weighed(made.values).reduce((a, b) => a + Math.abs(b), 0)
        for (const [key, place] of Object.entries(places)) {
          const input =
            typeof place === 'number'
              ? (made.inputs[place] as Tensor)
              : { data: made.options[place] as Float64Array, shape: [] }
          const moved = (data: Float64Array) => {
            const changed =
              typeof place === 'number'
                ? { ...made, inputs: withInput(made.inputs, place, data) }
                : { ...made, options: { ...made.options, [place]: data } }
            return weighed(truth(changed, 'float64').values)
          }
          const sample = (i: number) => sampleOf(input, axes[place as number] as number, i)
          const slopes = coupled
            ? slopesOfSum(input, moved, differences.step)
            : slopesOfSamples(input, sample, moved, differences.step)
          const gradient = grads[key]?.values as number[]
          expectSlopes(
            gradient,
            slopes,
            i => 1 + (coupled ? most : Math.abs(made.values[sample(i)] as number)),
            differences,
            key,
          )
        }
      }
    })
  },
)

describe('the reference of ctc', () => {
  it('has the slopes by the logits under a log-softmax as its gradient', () => {
    const random = new Random(52)
    for (const labels of [[], [1], [1, 2], [2, 2], [1, 2, 1]]) {
      const logits = Float64Array.from(random.list(6 * 3, () => random.normal()))
      const of = (data: Float64Array) =>
        reference.ctc(
          Array.from(
            { length: 6 },
            (_, t) => reference.softmax(Array.from(data.subarray(3 * t, 3 * t + 3))).logs,
          ),
          labels,
        )
      const slopes = slopesOfSum({ data: logits, shape: [] }, data => [of(data).value], USUAL.step)
      expectSlopes(of(logits).grad, slopes, () => 10, USUAL)
    }
  })

  it('needs a step for each label and a blank between equal ones', () => {
    const thirds = (steps: number) => Array.from({ length: steps }, () => new Array(3).fill(Math.log(1 / 3)))
    expect(reference.ctc(thirds(2), [1, 1]).value).toBe(Number.POSITIVE_INFINITY)
    expect(reference.ctc(thirds(2), [1, 2, 1]).value).toBe(Number.POSITIVE_INFINITY)
    expect(reference.ctc(thirds(2), [1, 1], { zeroInfinity: true }).value).toBe(0)
    expect(reference.ctc(thirds(2), [1, 1], { zeroInfinity: true }).grad).toEqual(new Array(6).fill(0))
    // One path of nine, and five: 1 1, - 1, 1 - and so on.
    expect(reference.ctc(thirds(2), [1, 2]).value).toBeCloseTo(Math.log(9), 14)
    expect(reference.ctc(thirds(2), [1]).value).toBeCloseTo(Math.log(3), 14)
    expect(reference.ctc(thirds(3), []).value).toBeCloseTo(Math.log(27), 14)
  })
})
