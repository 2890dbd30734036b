import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tallyOf } from '../../lib/evaluate/evaluate.ts'
import { type Plan, planBytes } from '../../lib/evaluate/plan.ts'
import { Tally } from '../../lib/evaluate/tally.ts'
import { memorySource } from './memory-source.ts'

const rows = 120
const pred = Float32Array.from({ length: rows }, (_, i) => (Math.sin(i * 12.9898) + 1) / 2)
const target = Float32Array.from({ length: rows }, (_, i) => (i * 7) % 2)

/** A tally of the rows from `first` to before `end`. */
const part = (plan: Plan, first: number, end: number): Promise<Tally> => {
  const columns = [
    { name: 'p', data: pred.slice(first, end) },
    { name: 't', data: target.slice(first, end) },
  ]
  return tallyOf(memorySource(columns, [end - first]), plan)
}

const plan: Plan = { losses: [{ loss: 'mse' }, { loss: 'bce' }, { loss: 'huber', options: { delta: 0.3 } }] }

describe('a tally', () => {
  it('of parts is that of the whole to the byte, for any cut and any order, also through bytes', async () => {
    const whole = await part(plan, 0, rows)
    const cuts = fc.uniqueArray(fc.integer({ min: 0, max: rows }), { maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(cuts, fc.infiniteStream(fc.integer({ min: 0, max: 1000 })), async (inner, random) => {
        const bounds = [0, ...inner.sort((a, b) => a - b), rows]
        const parts = await Promise.all(bounds.slice(1).map((end, i) => part(plan, bounds[i] as number, end)))
        const [first, ...others] = parts
          .map(tally => ({ at: random.next().value as number, tally }))
          .sort((a, b) => a.at - b.at)
          .map(({ tally }) => Tally.fromBytes(plan, tally.toBytes()))
        for (const other of others) first?.merge(other)
        expect(first?.toBytes()).toEqual(whole.toBytes())
        expect(first?.report()).toEqual(whole.report())
      }),
      { numRuns: 30 },
    )
  })

  it('of no rows changes nothing', async () => {
    const tally = await part(plan, 0, rows)
    const before = tally.toBytes()
    tally.merge(await part(plan, 5, 5))
    expect(tally.toBytes()).toEqual(before)
  })

  it('refuses bytes that were cut off or belong to another plan', async () => {
    const bytes = (await part(plan, 0, rows)).toBytes()
    for (let length = 0; length < bytes.length; length += 7) {
      expect(() => Tally.fromBytes(plan, bytes.subarray(0, length))).toThrow()
    }
    const other: Plan = { losses: [...plan.losses].reverse() }
    expect(() => Tally.fromBytes(other, bytes)).toThrow()
  })
})

describe('the bytes of a plan', () => {
  it('do not depend on the order of keys, nor on what is left to its default', () => {
    const a: Plan = { losses: [{ loss: 'quantile', options: { tau: 0.5 } }], reduction: 'mean' }
    const b: Plan = { reduction: undefined, losses: [{ options: { tau: 0.5 }, loss: 'quantile' }] }
    expect(planBytes(a)).toEqual(planBytes(b))
    expect(planBytes({ ...a, quantiles: false, worst: 0 })).toEqual(planBytes(a))
    expect(planBytes({ ...a, worst: 1 })).not.toEqual(planBytes(a))
    expect(planBytes(a)).not.toEqual(planBytes({ ...a, reduction: 'sum' }))
    expect(planBytes({ losses: [{ loss: 'mse' }] })).toEqual(
      planBytes({ losses: [{ loss: 'mse', options: {} }] }),
    )
  })
})
