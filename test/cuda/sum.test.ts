/**
 * Exact sums on a device, of float32 numbers that are hard to add up: not only the sum, but every bit of what an accumulator keeps is
 * that of the processor. `npm run test:cuda` runs this on a GPU.
 */

import { describe, expect, it } from 'vitest'
import { cuda, mae, mbe } from '../../lib/index.ts'
import { anyFloat32, Random } from '../support/random.ts'
import { missing } from './devices.ts'
import type { DeviceAccumulator } from './loose.ts'

/** A power of two times a number in [1, 2). */
const near = (random: Random, power: number) => (1 + random.uniform()) * 2 ** power
const signed = (random: Random, x: number) => (random.integer(2) === 0 ? x : -x)

/** Lists that a seed makes, of n numbers; where they are rounded to float32, so that any may be given. */
const LISTS: Record<string, (random: Random, n: number) => number[]> = {
  'of any size': (random, n) => random.list(n, () => anyFloat32(random)),
  'of any size, not finite ones among them': (random, n) => random.list(n, () => anyFloat32(random, true)),
  'that are denormal': (random, n) => random.list(n, () => (random.integer(2 ** 24) - 2 ** 23) * 2 ** -149),
  'next to the greatest': (random, n) =>
    random.list(n, () => signed(random, near(random, 122 + random.integer(5)))),
  'next to the smallest, and a few of them large': (random, n) =>
    random.list(n, () =>
      signed(
        random,
        near(random, random.integer(50) === 0 ? random.integer(120) : -149 + random.integer(30)),
      ),
    ),
  'that grow': (random, n) => Array.from({ length: n }, (_, i) => signed(random, 2 ** ((i / n) * 276 - 149))),
  'that shrink': (random, n) =>
    Array.from({ length: n }, (_, i) => signed(random, 2 ** (127 - (i / n) * 276))),
  'that cancel': (random, n) => {
    const half = random.list(n >> 1, () => anyFloat32(random))
    return random.shuffle([...half, ...half.map(x => -x)])
  },
  'of few sizes, a window or some bits apart': (random, n) => {
    const base = random.integer(200) - 140
    return random.list(n, () =>
      signed(random, near(random, base + random.pick([0, 1, 8, 9, 10, 22, 23, 24, 45, 46, 47]))),
    )
  },
  'of one size, but for a number of each warp that is smaller': (random, n) =>
    Array.from({ length: n }, (_, i) => (i < 4096 && i % 128 === 0 ? 1 : near(random, 8))),
  'like squares of normal ones': (random, n) => random.list(n, () => random.normal() ** 2),
  'that are 0': (random, n) => random.list(n, () => (random.integer(2) === 0 ? 0 : -0)),
  'of which one is not a number': (_, n) =>
    Array.from({ length: n }, (_, i) => (i === n >> 1 ? Number.NaN : i)),
  'of which one is infinite': (_, n) =>
    Array.from({ length: n }, (_, i) => (i === 5 ? Number.NEGATIVE_INFINITY : i)),
}

async function expectSameSum(values: Float32Array): Promise<void> {
  const gpu = cuda.device(0)
  const zeros = new Float32Array(values.length)
  using target = gpu.upload(values)
  using pred = gpu.upload(zeros)
  for (const loss of [mbe, mae]) {
    const accumulator = loss.accumulator()
    await (accumulator as unknown as DeviceAccumulator).updateAsync(pred, target)
    const expected = loss.accumulator().update(zeros, values)
    expect(accumulator.value).toBe(expected.value)
    expect(accumulator.toBytes()).toEqual(expected.toBytes())
  }
}

describe.skipIf(missing !== undefined)('the sum of a device keeps every bit of numbers', () => {
  it.each(Object.entries(LISTS))('%s', async (_, list) => {
    for (const [seed, n] of [1, 31, 1000, 1024, 3000, 8192, 50_001].entries()) {
      await expectSameSum(Float32Array.from(list(new Random(seed + 1), n)))
    }
  })

  it('so many that a thread has to hand over what it has, at the upper end of its window', async () => {
    const random = new Random(9)
    // The first numbers of each warp choose the window, and 2^9 is the greatest that it holds.
    const values = new Float32Array(9 << 20).fill(512)
    for (let i = 0; i < values.length; i += 97) values[i] = near(random, 8)
    values.fill(1, 0, 1 << 18)
    await expectSameSum(values)
  })
})
