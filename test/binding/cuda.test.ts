/** The addon's functions over CUDA devices take nothing but what they gave. */

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { binding } from '../../lib/backend/binding.ts'

const EMULATED = fileURLToPath(new URL('../../build/Release/liblosskit_cuda_emulated.so', import.meta.url))

const { cuda } = binding
const members = Object.entries(cuda) as [string, (...given: unknown[]) => unknown][]

const called = (act: () => unknown): string => {
  try {
    act()
    return 'done'
  } catch (error) {
    return `${(error as { code?: string }).code}: ${(error as Error).message}`
  }
}

/** Says in the frame what `mse` is to compute. */
function describeMse(rows: number, dtype: 'float32' | 'float64', reduction = 1): void {
  const { frame, slots, dtypes, kernels } = binding
  frame.fill(0)
  frame[slots.kernel] = kernels.findIndex(({ name }) => name === 'mse')
  frame[slots.reduction] = reduction
  frame[slots.divisor] = Number.NaN
  frame[slots.ignoreIndex] = Number.NaN
  frame[slots.rows] = rows
  frame[slots.wantsValue] = 1
  frame.fill(-1, slots.dtypes, slots.dtypes + 10)
  frame.fill(dtypes.indexOf(dtype), slots.dtypes, slots.dtypes + 2)
}

describe('a function over CUDA devices', () => {
  it('does nothing before the library is open', () => {
    for (const [name, member] of members) {
      if (name === 'open') continue
      expect(
        called(() => member()),
        name,
      ).toBe('ERR_BINDING: the CUDA library is not open')
    }
    const why = process.platform === 'linux' ? '/nowhere/liblosskit_cuda.so' : 'for Linux only'
    expect(cuda.open('/nowhere/liblosskit_cuda.so')).toContain(why)
    expect(called(() => cuda.open(1 as unknown as string))).toBe('ERR_BINDING: path')
  })

  describe.runIf(existsSync(EMULATED))('of the emulated library', () => {
    it('refuses every argument that is of another kind', () => {
      expect(cuda.open(EMULATED)).toBeUndefined()
      const stream = cuda.createStream(0)
      const event = cuda.record(stream)
      const memory = cuda.allocate(stream, 16, false)
      const wrong = [undefined, null, 1e300, -1, {}, [], 'x', 5n, new Float32Array(2), stream, event, memory]
      const takesAnything = new Set(['open', 'status'])
      let refused = 0
      for (const [name, member] of members) {
        if (takesAnything.has(name)) continue
        for (const first of wrong) {
          for (const second of wrong) {
            const told = called(() => member(first, second, first))
            // Numbers stand for devices and sizes, and streams, events and memory are what some take.
            if (told === 'done' || told.startsWith('ERR_CUDA')) continue
            expect(told, name).toMatch(/^ERR_BINDING: /)
            refused++
          }
        }
      }
      expect(refused).toBeGreaterThan(1000)
    })

    it('refuses memory that was released, or is not as large as the frame says', () => {
      const stream = cuda.createStream(0)
      const [a, b] = [cuda.allocate(stream, 16, false), cuda.allocate(stream, 16, false)]
      describeMse(4, 'float32')
      expect(called(() => cuda.run(stream, 0, a, b))).toBe('done')
      describeMse(5, 'float32')
      expect(called(() => cuda.run(stream, 0, a, b))).toBe('ERR_BINDING: sizes of the inputs')
      describeMse(2, 'float64')
      expect(called(() => cuda.run(stream, 0, a, b))).toBe('done')
      expect(called(() => cuda.run(stream, 0, a, cuda.allocate(stream, 12, false)))).toBe(
        'ERR_BINDING: device memory and dtype differ',
      )
      cuda.release(a)
      cuda.release(a)
      expect(called(() => cuda.run(stream, 0, a, b))).toBe('ERR_BINDING: device memory that was released')
      cuda.destroyStream(stream)
      expect(called(() => cuda.run(stream, 0, b, b))).toBe('ERR_BINDING: a stream that was disposed of')
    })

    it('keeps a bound call to what it was bound to', async () => {
      const stream = cuda.createStream(0)
      const [a, b] = [cuda.allocate(stream, 16, false), cuda.allocate(stream, 16, false)]
      describeMse(4, 'float32')
      expect(called(() => cuda.bind(stream, 1, a, b))).toBe('ERR_BINDING: a function of the mean')
      expect(called(() => cuda.bind(stream, 2, a, b))).toBe('ERR_BINDING: outer')
      const bound = cuda.bind(stream, 0, a, b)
      if (!bound) throw new Error('it is not bound')
      binding.frame.fill(0) // it does not look there again
      cuda.upload(stream, a, Float32Array.of(1, 2, 3, 4))
      cuda.upload(stream, b, Float32Array.of(1, 1, 1, 1))
      cuda.runBound(bound.call)
      const state = new Uint8Array(binding.stateBytes('float32'))
      binding.initState(state, 'float32')
      const [code, status, value] = await cuda.readOutcome(bound.outcome, state)
      expect([code, status, value, binding.countState(state)]).toEqual([0, 0, 14, 4])
      expect(binding.valueState(state, 1, Number.NaN)).toBe(14)
      const wide = new Uint8Array(binding.stateBytes('float64'))
      binding.initState(wide, 'float64')
      for (const [other, why] of [
        [wide, 'state of another dtype'],
        [new Uint8Array(3), 'state: not one of this version'],
      ] as const) {
        expect(called(() => cuda.readOutcome(bound.outcome, other))).toBe(`ERR_BINDING: ${why}`)
      }
      expect([cuda.overlap(a, a), cuda.overlap(a, b)]).toEqual([true, false])
      cuda.release(a)
      expect(called(() => cuda.runBound(bound.call))).toBe('ERR_BINDING: device memory that was released')
      expect(called(() => cuda.overlap(a, b))).toBe('ERR_BINDING: device memory that was released')
    })
  })
})
