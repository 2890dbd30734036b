/** Zeros, the smallest and the largest numbers, infinities and NaN in any input: nothing breaks, and NaN has a reason. */

import { describe, expect, it } from 'vitest'
import { everyOf } from '../support/calls.ts'
import { type Batch, EVERY_LOSS, type EveryLoss } from '../support/every-loss/index.ts'
import { isFloats, withInput } from '../support/every-loss/tensors.ts'
import { expectAllUlps } from '../support/expect.ts'
import { FLOATS } from '../support/floats.ts'
import { Random } from '../support/random.ts'
import type { ComputeType } from '../support/ulp.ts'

const inf = Number.POSITIVE_INFINITY

/** Numbers at which the reference is still right, and the loss has to be too. */
const ORDINARY = {
  float32: [0, -0, 2 ** -149, -(2 ** -149), 2 ** -126, 1e-10, 100, -100, 1e10, -1e10, 1e18, -1e18],
  float64: [0, -0, 2 ** -1074, -(2 ** -1074), 2 ** -1022, 1e-30, 100, -100, 1e10, -1e10],
}
/** Kernels take e^x for 0 where it is below the smallest normal number: see docs/numerics.md. */
const FLUSHED = { float32: 2 ** -124, float64: 2 ** -1020 }
/** Numbers beyond, where squares and differences overflow. */
const HUGE = {
  float32: [2 ** 127, -(2 ** 127), 3.4028234663852886e38, -3.4028234663852886e38, inf, -inf, Number.NaN],
  float64: [1e150, -1e150, Number.MAX_VALUE, -Number.MAX_VALUE, inf, -inf, Number.NaN],
}

/**
 * Whether the reference knows if NaN has a reason. Of infinities, NaN may be the difference; near the end of float64 the
 * reference overflows where the loss does, but not at the same step.
 */
const isJudged = (extreme: number, type: ComputeType): boolean =>
  Math.abs(extreme) <= (type === 'float32' ? Number.MAX_VALUE : 1e150)

/** The number stands once in every sample, or once in the batch where samples are coupled. */
function withExtreme(
  { coupled, axes }: EveryLoss,
  batch: Batch,
  position: number,
  extreme: number,
  random: Random,
): Batch {
  const { data, shape } = batch.inputs[position] as Batch['inputs'][number]
  const changed = data.slice()
  if (coupled) changed[random.integer(data.length)] = extreme
  else {
    const samples = shape[axes[position] as number] as number
    const width = data.length / samples
    for (let n = 0; n < samples; n++) {
      const column = random.integer(width)
      // Samples stand one after the other, but those of sequences, which any number of the batch hits as well.
      changed[axes[position] === 0 ? n * width + column : random.integer(data.length)] = extreme
    }
  }
  return { ...batch, inputs: withInput(batch.inputs, position, changed) }
}

/** The values and gradients, or undefined where the loss refuses the number, and may. */
function tried(entry: EveryLoss, { inputs, options }: Batch): ReturnType<typeof everyOf> | undefined {
  try {
    return everyOf(entry.loss, inputs, options)
  } catch (error) {
    expect(entry.refuses, `${error}`).toBe(true)
    expect((error as { code?: string }).code).toBe('ERR_DOMAIN')
    return undefined
  }
}

/** Whether the loss has a meaning there, and the reference a value. */
const isWithin = ({ ranges }: EveryLoss, place: number, extreme: number): boolean => {
  const [low, high] = ranges[place] as readonly [number, number]
  return extreme >= low && extreme <= high
}

const rounded = (values: readonly number[], type: ComputeType): number[] =>
  type === 'float32' ? values.map(Math.fround) : [...values]

describe.each(FLOATS)('in %s', type => {
  describe.each(EVERY_LOSS)('$name', entry => {
    const { batch, truth, ulps, coupled } = entry
    const places = batch(new Random(1), 2, type).inputs.flatMap(({ data }, k) => (isFloats(data) ? [k] : []))

    it.each(ORDINARY[type])('is right at %d', extreme => {
      const random = new Random(41)
      for (const place of places) {
        const made = withExtreme(entry, batch(random, coupled ? 9 : 24, type), place, extreme, random)
        const result = tried(entry, made)
        if (result === undefined || !isWithin(entry, place, extreme)) continue
        const { values, slack, grads } = truth(made, type)
        expectAllUlps(result.value, rounded(values, type), type, ulps[type], {
          slack: slack.map(each => (Number.isFinite(each) ? each : 0) + FLUSHED[type]),
          what: `input ${place}: values`,
        })
        for (const [key, { values }] of Object.entries(grads)) {
          const slopes = result.grad[key] as ArrayLike<number>
          values.forEach((slope, i) => {
            if (Number.isNaN(slopes[i])) expect(slope, `input ${place}: ${key}[${i}]`).toBeNaN()
          })
        }
      }
    })

    it.each(HUGE[type])('survives %d, and gives NaN only for a reason', extreme => {
      const random = new Random(42)
      for (const place of places) {
        const made = withExtreme(entry, batch(random, coupled ? 9 : 24, type), place, extreme, random)
        const result = tried(entry, made)
        if (result === undefined || !isJudged(extreme, type) || !isWithin(entry, place, extreme)) continue
        const { values } = truth(made, type)
        values.forEach((value, i) => {
          if (Number.isNaN(result.value[i])) expect(value, `input ${place}: value ${i}`).toBeNaN()
        })
      }
    })
  })
})
