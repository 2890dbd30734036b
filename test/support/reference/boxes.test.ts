/** The reference of losses of boxes against printed numbers, which were computed elsewhere. */

import { describe, expect, it } from 'vitest'
import { expectSlopes, slopesOfSum, USUAL } from '../differences.ts'
import { Random } from '../random.ts'
import * as reference from './index.ts'
import { printed } from './printed.ts'

describe('losses of boxes', () => {
  it.each([
    [[0, 0, 2, 2], [1, 1, 3, 3], '0.857142857', '1.945910149', '1.079365079', '0.968253970', '0.968253970'],
    [[0, 0, 1, 1], [2, 2, 3, 3], '1', '13.8155', '1.777777769', '1.444444442', '1.444444442'],
    [[0, 0, 4, 1], [0, 0, 2, 2], '0.666666667', '1.098612289', '0.916666669', '0.729166672', '0.747013353'],
  ] as const)('%j against %j', (pred, target, iou, log, giou, diou, ciou) => {
    printed(reference.iou(pred, target).value, iou)
    printed(reference.iou(pred, target, { form: 'log' }).value, log)
    printed(reference.giou(pred, target).value, giou)
    printed(reference.diou(pred, target).value, diou)
    printed(reference.ciou(pred, target).value, ciou)
  })

  it('ciou has the slope of its value with its factor of the angles held', () => {
    const random = new Random(53)
    const [pred, target] = [
      [0, 0, 4, 1],
      [0.5, -0.25, 2, 2],
    ] as const
    for (let round = 0; round < 20; round++) {
      const moved = Float64Array.from(pred, x => x + 0.125 * random.normal())
      const alpha = reference.ciouFactor(Array.from(moved), target)
      const held = (data: Float64Array) => [reference.ciou(Array.from(data), target, 1e-7, alpha).value]
      const slopes = slopesOfSum({ data: moved, shape: [4] }, held, USUAL.step)
      const [gradient] = reference.ciou(Array.from(moved), target).grads
      expectSlopes(gradient as number[], slopes, () => 2, USUAL)
    }
  })

  it('equal boxes cost about 1e-7, for the eps, and two points 1, or NaN without eps', () => {
    const unit = [0, 0, 1, 1]
    for (const loss of [reference.giou, reference.diou, reference.ciou]) {
      expect(loss(unit, unit).value).toBeCloseTo(1e-7, 12)
      expect(loss([1, 1, 1, 1], [1, 1, 1, 1]).value).toBe(1)
    }
    expect(reference.iou([1, 1, 1, 1], [1, 1, 1, 1]).value).toBeNaN()
  })

  it('boxes that touch do not overlap, and share no slope', () => {
    const { value, grads } = reference.iou([0, 0, 1, 1], [1, 0, 2, 1])
    expect(value).toBe(1)
    expect(grads[0]?.map(Math.abs)).toEqual([0, 0, 0, 0])
  })

  it('an edge that both share has half a slope', () => {
    // I = w h and U = 2: ∂I = (-½, -½, 1, ½), ∂U = ∂A - ∂I = (-½, -½, 0, ½)
    expect(reference.iou([0, 0, 1, 1], [0, 0, 2, 1]).grads[0]).toEqual([0.125, 0.125, -0.5, -0.125])
  })

  it('iou has no slope below the end of its logarithm', () => {
    const far = reference.iou([0, 0, 1, 1], [2, 2, 3, 3], { form: 'log' })
    expect(far.grads).toEqual([[0, 0, 0, 0]])
  })
})
