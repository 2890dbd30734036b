/** Values and gradients against the float64 reference, on inputs that are typical for the loss. */

import { describe, it } from 'vitest'
import { EVERY_LOSS } from '../support/every-loss.ts'
import { expectAllNear, expectAllUlps } from '../support/expect.ts'
import { FLOATS, type Floats } from '../support/floats.ts'
import { Random } from '../support/random.ts'

const RELATIVE = { float32: 1e-6, float64: 4e-15 }

describe.each(FLOATS)('in %s', type => {
  describe.each(EVERY_LOSS)('$name', ({ loss, key, options, ulps, batch }) => {
    it('has the values and the gradient of its formula', () => {
      const random = new Random(2024)
      for (let round = 0; round < 10; round++) {
        const { input, target, values, grad, scale, slack } = batch(random, 200, type)
        const all = { ...options, reduction: 'none' } as const
        const both = loss.valueAndGrad(input, target, all)
        expectAllUlps(both.value, values, type, ulps[type], { slack: slack.values, what: 'values' })
        expectAllNear(both.grad[key] as Floats, grad, type, RELATIVE[type], {
          scale,
          slack: slack.grad,
          what: 'gradient',
        })
      }
    })
  })
})
