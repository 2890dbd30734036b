import { describe, expect, it } from 'vitest'
import { thresholdedIou } from '../../lib/index.ts'
import { told } from '../lib/thrown.ts'

describe('thresholdedIou', () => {
  /** Masks with an intersection of `both` pixels in a union of `any`. */
  const masks = (both: number, any: number) => {
    const pred = new Uint8Array(any + 3).fill(1, 0, any)
    const target = new Uint8Array(any + 3).fill(1, 0, both)
    return [pred, target] as const
  }

  it.each([
    [50, 0],
    [55, 0.2],
    [60, 0.3],
    [65, 0.3],
    [70, 0.4],
    [75, 0.5],
    [80, 0.6],
    [85, 0.8],
    [90, 0.8],
    [95, 0.9],
    [100, 1],
    [0, 0],
  ])('of %i of 100 pixels is %d: float32 decides the ties', (both, step) => {
    expect(thresholdedIou(...masks(both, 100))).toBe(Math.fround(step))
    const [pred, target] = masks(both, 100)
    expect(thresholdedIou(Float64Array.from(pred), target)).toBe(Math.fround(step))
  })

  it.each([
    [12, 0.2],
    [18, 0.9],
  ])('of %i of 20 pixels is %d', (both, step) => {
    expect(thresholdedIou(...masks(both, 20))).toBe(Math.fround(step))
  })

  it('of two empty masks is 1, of disjoint ones 0, and the mean is over images', () => {
    expect(thresholdedIou([0, 0], [0, 0])).toBe(1)
    expect(thresholdedIou([1, 0], [0, 1])).toBe(0)
    expect(
      thresholdedIou(
        [
          [0, 0],
          [1, 0],
        ],
        [
          [0, 0],
          [0, 1],
        ],
      ),
    ).toBe(0.5)
    expect(
      thresholdedIou(
        [
          [0, 0],
          [1, 0],
        ],
        [
          [0, 0],
          [0, 1],
        ],
        { reduction: 'none' },
      ),
    ).toEqual(Float64Array.of(1, 0))
  })

  it('refuses what is neither 0 nor 1', () => {
    expect(told(() => thresholdedIou([0.5, 1], [0, 1]))).toBe(
      'ERR_DOMAIN: thresholdedIou: pred[0] is 0.5. A mask must hold 0 and 1 only.',
    )
    expect(
      told(() =>
        thresholdedIou(
          [
            [0, 1],
            [1, 1],
          ],
          [
            [0, 1],
            [1, 2],
          ],
        ),
      ),
    ).toContain('target[3] is 2.')
  })

  it('has no gradient', () => {
    expect('grad' in thresholdedIou).toBe(false)
    expect('grad' in thresholdedIou.async).toBe(false)
  })
})
