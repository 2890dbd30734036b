import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exactMean, exactQuotient, exactSum } from '../support/exact.ts'
import { expectCode, expectSame } from '../support/expect.ts'
import { FLOATS, floats } from '../support/floats.ts'
import { crossEntropy, mbe, mse } from '../support/losses.ts'
import { Random } from '../support/random.ts'
import { terms } from './arbitraries.ts'
import { type Accumulator, accumulate } from './exact-sum.ts'

/** A part of the list in each, merged in random order and in random groups. */
function scattered(type: 'float32' | 'float64', values: readonly number[], random: Random): Accumulator {
  const parts = random
    .cut(values.length, 1 + random.integer(6))
    .map(([start, end]) => accumulate(type, values.slice(start, end)))
  let open = random.shuffle(parts)
  while (open.length > 1) {
    const [into, from, ...rest] = open
    open = random.shuffle([(into as Accumulator).merge(from as Accumulator), ...rest])
  }
  return open[0] as Accumulator
}

describe.each(FLOATS)('accumulators of %s terms', type => {
  it('give the exact mean and sum, however the terms are shuffled, split and merged', () => {
    fc.assert(
      fc.property(terms(type, 120), fc.nat(), (values, seed) => {
        const random = new Random(seed)
        const merged = scattered(type, random.shuffle(values), random)
        expectSame(merged.value, exactMean(values))
        expect(merged.count).toBe(values.length)
        const sums = mbe.accumulator.fromBytes(merged.toBytes(), { reduction: 'sum' })
        expectSame(sums.value, exactSum(values))
      }),
      { numRuns: 300, seed: 51 },
    )
  })

  it('have equal bytes for equal terms, in any order, split and merge', () => {
    fc.assert(
      fc.property(terms(type, 120), fc.nat(), (values, seed) => {
        const random = new Random(seed)
        const whole = accumulate(type, values).toBytes()
        expect(scattered(type, random.shuffle(values), random).toBytes()).toEqual(whole)
      }),
      { numRuns: 300, seed: 52 },
    )
  })

  it('have equal bytes for equal terms that are not finite', () => {
    const random = new Random(53)
    const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1, -2.5, 0]
    for (let round = 0; round < 100; round++) {
      const values = random.list(1 + random.integer(40), () => random.pick(special))
      const whole = accumulate(type, values)
      expect(scattered(type, random.shuffle(values), random).toBytes()).toEqual(whole.toBytes())
      expectSame(whole.value, exactMean(values))
    }
  })

  it('have other bytes for other terms', () => {
    const hair = type === 'float32' ? 2 ** -149 : 2 ** -1074
    const bytes = [
      [1],
      [2],
      [-1],
      [1, 0],
      [1, hair],
      [1, -hair],
      [Number.NaN],
      [Number.POSITIVE_INFINITY],
      [Number.NEGATIVE_INFINITY],
      [],
    ].map(values => Buffer.from(accumulate(type, values).toBytes()).toString('hex'))
    expect(new Set(bytes).size).toBe(bytes.length)
  })

  it('update in place, one batch after another', () => {
    const values = new Random(54).list(1000, () => 1e10)
    const total = mbe.accumulator()
    for (let i = 0; i < 1000; i += 100) accumulate(type, values.slice(i, i + 100), total)
    expect(total.count).toBe(1000)
    expectSame(total.value, floats(type, [1e10])[0] as number)
  })

  it('survive their bytes', () => {
    fc.assert(
      fc.property(terms(type, 50), terms(type, 50), (first, second) => {
        const restored = mbe.accumulator.fromBytes(accumulate(type, first).toBytes())
        expectSame(restored.value, exactMean(first))
        accumulate(type, second, restored)
        expectSame(restored.value, exactMean([...first, ...second]))
        expect(restored.count).toBe(first.length + second.length)
      }),
      { numRuns: 100, seed: 55 },
    )
  })

  it('keep bytes that were given out as they were', () => {
    const accumulator = accumulate(type, [1, 2])
    const bytes = accumulator.toBytes()
    const copy = bytes.slice()
    accumulate(type, [3], accumulator)
    expect(bytes).toEqual(copy)
    bytes.fill(255)
    expectSame(accumulator.value, 2)
  })

  it('take the divisor of the caller', () => {
    const accumulator = mbe.accumulator({ divisor: 7 })
    accumulate(type, [1, 2, 5], accumulator)
    expectSame(accumulator.value, exactMean([1, 2, 5], 7))
  })

  it('merge with themselves: every term counts twice', () => {
    const accumulator = accumulate(type, [1, 2.5])
    accumulator.merge(accumulator)
    expect(accumulator.count).toBe(4)
    expectSame(accumulator.value, 1.75)
    expect(accumulator.toBytes()).toEqual(accumulate(type, [1, 2.5, 1, 2.5]).toBytes())
  })

  it('refuse bytes that are cut short or too long', () => {
    const bytes = accumulate(type, [1, 2, 3]).toBytes()
    for (const length of [0, 1, 8, bytes.length - 8, bytes.length - 1]) {
      expectCode(() => mbe.accumulator.fromBytes(bytes.slice(0, length)), 'ERR_STATE')
    }
    const longer = new Uint8Array(bytes.length + 1)
    longer.set(bytes)
    expectCode(() => mbe.accumulator.fromBytes(longer), 'ERR_STATE')
    expectCode(() => mbe.accumulator.fromBytes(new Uint8Array(bytes.length)), 'ERR_STATE')
    expectCode(() => mbe.accumulator.fromBytes(new Uint8Array(bytes.length).fill(255)), 'ERR_STATE')
    expectCode(() => mbe.accumulator.fromBytes('bytes' as never), 'ERR_STATE')
  })

  it('refuse bytes with a changed header', () => {
    const bytes = accumulate(type, [1, 2, 3]).toBytes()
    for (const bit of [0, 1, 7]) {
      const changed = bytes.slice()
      changed[0] = (changed[0] as number) ^ (1 << bit)
      expectCode(() => mbe.accumulator.fromBytes(changed), 'ERR_STATE')
    }
  })

  it('refuse, or read without harm, bytes that are changed anywhere', () => {
    const random = new Random(56)
    for (let round = 0; round < 3000; round++) {
      const bytes = accumulate(type, [1, -2, 3e10]).toBytes().slice()
      for (let i = 0; i <= random.integer(4); i++) bytes[random.integer(bytes.length)] = random.integer(256)
      let restored: Accumulator
      try {
        restored = mbe.accumulator.fromBytes(bytes)
      } catch (error) {
        expect((error as { code: string }).code).toBe('ERR_STATE')
        continue
      }
      expect(typeof restored.value).toBe('number')
      expect(restored.count).toBeGreaterThanOrEqual(0)
      restored.merge(accumulate(type, [1]))
      expect(restored.toBytes().length).toBe(bytes.length)
    }
  })
})

describe('accumulators', () => {
  it('of one type do not merge with the other', () => {
    const narrow = accumulate('float32', [1])
    const wide = accumulate('float64', [1])
    expectCode(() => narrow.merge(wide), 'ERR_STATE')
    expectCode(() => accumulate('float64', [1], narrow), 'ERR_DTYPE')
  })

  it('of one loss do not merge with another, nor read its bytes', () => {
    const bias = accumulate('float32', [1])
    const square = mse.accumulator().update(new Float32Array(1), new Float32Array(1))
    expectCode(() => bias.merge(square as never), 'ERR_STATE')
    expectCode(() => mse.accumulator.fromBytes(bias.toBytes()), 'ERR_STATE')
  })

  it('divide weighted sums by weighted counts, however the rows are split', () => {
    const random = new Random(57)
    const classes = 4
    const weight = Float32Array.of(0.1, 0.7, 2.3, 1e-3)
    for (let round = 0; round < 30; round++) {
      const rows = 1 + random.integer(200)
      const data = Float32Array.from(random.list(rows * classes, () => random.normal()))
      const labels = Int32Array.from(
        random.list(rows, () => (random.integer(6) === 0 ? -100 : random.integer(classes))),
      )
      const values = crossEntropy({ data, shape: [rows, classes] }, labels, { weight, reduction: 'none' })
      const masses = Array.from(labels, label => (label === -100 ? 0 : (weight[label] as number)))
      const parts = random
        .cut(rows, 4)
        .map(([start, end]) =>
          crossEntropy
            .accumulator({ weight })
            .update(
              { data: data.subarray(start * classes, end * classes), shape: [end - start, classes] },
              labels.subarray(start, end),
            ),
        )
      const merged = random.shuffle(parts).reduce((into, from) => into.merge(from))
      const whole = crossEntropy.accumulator({ weight }).update({ data, shape: [rows, classes] }, labels)
      expectSame(merged.value, exactQuotient(values, masses))
      expectSame(whole.value, merged.value)
      expect(merged.toBytes()).toEqual(whole.toBytes())
      expect(merged.count).toBe(masses.filter(mass => mass > 0).length)
    }
  })
})
