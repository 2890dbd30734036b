/** Values and gradients against the float64 reference, on inputs that are typical for the loss. */

import { describe, it } from 'vitest'
import { everyOf } from '../support/calls.ts'
import { EVERY_LOSS } from '../support/every-loss/index.ts'
import { expectAllNear, expectAllUlps } from '../support/expect.ts'
import { FLOATS, type Floats } from '../support/floats.ts'
import { Random } from '../support/random.ts'

const RELATIVE = { float32: 1e-6, float64: 4e-15 }

describe.each(FLOATS)('in %s', type => {
  describe.each(EVERY_LOSS)('$name', ({ loss, ulps, atMost, batch }) => {
    it('has the values and the gradients of its formula', () => {
      const random = new Random(2024)
      for (let round = 0; round < 10; round++) {
        const { inputs, options, values, grads, slack } = batch(random, Math.min(200, atMost), type)
        const both = everyOf(loss, inputs, options)
        expectAllUlps(both.value, values, type, ulps[type], { slack, what: 'values' })
        for (const [key, truth] of Object.entries(grads)) {
          expectAllNear(both.grad[key] as Floats, truth.values, type, RELATIVE[type], {
            ...truth,
            what: `gradient ${key}`,
          })
        }
      }
    })
  })
})
