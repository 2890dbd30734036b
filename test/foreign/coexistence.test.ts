/**
 * losskit shares its process with an addon that changes the floating-point mode, throws C++ exceptions, holds arrays and lends
 * memory: neither disturbs the other. The addon knows the modes of x64 only.
 */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { beforeAll, describe, expect, it } from 'vitest'
import { binding } from '../../lib/backend/binding.ts'
import { alloc, LosskitShapeError, mse, rmse } from '../../lib/index.ts'
import { rejected, thrown } from '../lib/thrown.ts'
import { buildForeign, type Foreign, foreignFile, loadForeign } from './addon.ts'
import { everyForm, everySample, expectSameBits, later, now } from './forms.ts'
import { discriminators, kernelLosses, sharedLosses } from './given.ts'
import { FLUSHING, inMode, MODES, modeOf, ORDINARY, TOWARD_ZERO, TRAPPING } from './modes.ts'

describe.skipIf(process.arch !== 'x64')('beside another addon', () => {
  let foreign: Foreign

  beforeAll(() => {
    buildForeign()
    foreign = loadForeign()
    const modeAfterLoading = modeOf(foreign.controlWord())
    foreign.setControlWord(ORDINARY)
    expect(modeAfterLoading).toBe(FLUSHING)
  })

  describe('a floating-point mode', () => {
    describe.each([{ mode: ORDINARY, named: 'as it was' }, ...MODES])('$named', ({ mode }) => {
      it.each(kernelLosses)(
        'leaves $title the same bits, and is left alone',
        ({ loss, given, ...before }) => {
          const found = () => ({ reduced: everyForm(loss, given), samples: everySample(loss, given) })
          const { reduced, samples } = before
          expectSameBits(inMode(foreign, mode, found), { reduced, samples })
        },
      )

      it.each(sharedLosses)(
        'leaves $title the same bits on other threads',
        async ({ loss, given, result }) => {
          expectSameBits(
            inMode(foreign, mode, () => now(loss, given)),
            result,
          )
          const promise = inMode(foreign, mode, () => later(loss, given))
          expectSameBits(await promise, result)
        },
      )

      it('is left alone by a call that throws', () => {
        expect(() => inMode(foreign, mode, () => mse([1], [1, 2]))).toThrow(LosskitShapeError)
        expect(() => inMode(foreign, mode, () => binding.stateBytes('int8' as 'float32'))).toThrow('dtype')
      })
    })

    it.each(discriminators)(
      'that flushes leaves $title the same bits',
      ({ loss, given, reduced, samples }) => {
        const found = () => ({ reduced: everyForm(loss, given), samples: everySample(loss, given) })
        expectSameBits(inMode(foreign, FLUSHING, found), { reduced, samples })
      },
    )

    // The last step of these losses is JavaScript's own arithmetic: docs/numerics.md says so.
    it.each(discriminators)('that rounds reaches only the last sum of $title', ({ loss, given, samples }) => {
      expectSameBits(
        inMode(foreign, TOWARD_ZERO, () => everySample(loss, given)),
        samples,
      )
    })

    it('that rounds reaches only the root of rmse', () => {
      const [pred, target] = [Float64Array.of(0.1, 0.2, 0.4), new Float64Array(3)]
      const squared = mse(pred, target)
      const found = () => ({ root: rmse(pred, target), expected: Math.sqrt(squared) })
      expect(inMode(foreign, FLUSHING, found).root).toBe(rmse(pred, target))
      const { root, expected } = inMode(foreign, TOWARD_ZERO, found)
      expect(root).toBe(expected)
    })

    const calls = sharedLosses.map(({ lossName, given }) => ({ lossName, ...given }))

    function expectUndisturbed({ results, empty, errors, controlWord }: Answer, mode: number): void {
      results.forEach((found, i) => {
        const { result } = sharedLosses[i] as (typeof sharedLosses)[number]
        expectSameBits(found, [result, result])
      })
      expect(results).toHaveLength(sharedLosses.length)
      expect(empty.pred).toHaveLength(0)
      const mistake = { code: 'ERR_SHAPE', message: thrown(() => mse([1], [1, 2])).message }
      expect(errors).toEqual([mistake, mistake, { code: undefined, message: 'broken' }])
      expect(modeOf(controlWord)).toBe(mode)
    }

    it.each(MODES)('($named) in all that a worker does changes no bit and no error', async ({ mode }) => {
      expectUndisturbed(await inWorker(mode, calls), mode)
    })

    it.each([...MODES, { mode: TRAPPING, named: 'traps for division by zero and overflow' }])(
      '($named) in all that a process does changes no bit and no error',
      async ({ mode }) => {
        expectUndisturbed(await inProcess(mode, calls), mode)
      },
    )
  })

  describe('exceptions', () => {
    const pred = Float32Array.of(1, 2, 3, 4)
    const target = Float32Array.of(1, 1, 1, 1)

    it('of the other addon reach their callers, and losskit computes on', () => {
      for (let i = 0; i < 100; i++) {
        expect(() => foreign.throwError('broken')).toThrow('broken')
        expect(() => foreign.throwNumber()).toThrow('A native exception was thrown')
        expect(mse(pred, target)).toBe(3.5)
        expect(() => binding.stateBytes('int8' as 'float32')).toThrow('dtype')
      }
    })

    it('of losskit pass through the frames of the other addon as what they are', () => {
      const error = thrown(() => foreign.callThrough(() => mse([1], [1, 2])))
      expect(error).toBeInstanceOf(LosskitShapeError)
      expect(error.code).toBe('ERR_SHAPE')
      expect(() => foreign.callThrough(() => binding.stateBytes('int8' as 'float32'))).toThrow('dtype')
      expect(foreign.callThrough(() => mse(pred, target))).toBe(3.5)
    })

    it('thrown while losskit computes on other threads change nothing', async () => {
      const { loss, given, result } = sharedLosses[0] as (typeof sharedLosses)[number]
      const promise = later(loss, given)
      for (let i = 0; i < 100; i++) expect(() => foreign.throwError('broken')).toThrow('broken')
      expectSameBits(await promise, result)
    })
  })

  describe('arrays', () => {
    const LENGTH = 100_000
    /** The sum of squares of 0, 1, 2, 3, 0, 1, …, a whole number, and its gradient. */
    const fill = <T extends Float32Array>(array: T): T => {
      for (let i = 0; i < array.length; i++) array[i] = i & 3
      return array
    }
    const zeros = new Float32Array(LENGTH)
    const SUM = (LENGTH / 4) * 14
    const options = { reduction: 'sum' } as const

    /** Finalizers run between turns of the event loop. */
    async function collect(isDone: () => boolean): Promise<void> {
      for (let i = 0; i < 100 && !isDone(); i++) {
        globalThis.gc?.()
        await turn()
      }
      expect(isDone()).toBe(true)
    }

    it('that the other addon holds are computed on and written to', () => {
      const [pred, gradient] = [fill(new Float32Array(LENGTH)), new Float32Array(LENGTH)]
      foreign.keep(pred)
      foreign.keep(gradient)
      globalThis.gc?.()
      const { value, grad } = mse.valueAndGrad(foreign.kept(0), zeros, {
        ...options,
        out: { pred: foreign.kept(1) as Float32Array<ArrayBuffer> },
      })
      expect(value).toBe(SUM)
      expect(grad.pred).toBe(gradient)
      expect([...gradient.subarray(0, 4)]).toEqual([0, 2, 4, 6])
    })

    it('that the other addon lends are computed on and written to, in place too', async () => {
      const pred = fill(foreign.lend(LENGTH))
      const gradient = foreign.lend(LENGTH)
      expect(mse.valueAndGrad(pred, zeros, { ...options, out: { pred: gradient } }).value).toBe(SUM)
      expect([...gradient.subarray(0, 4)]).toEqual([0, 2, 4, 6])
      const run = mse.bind(pred, zeros, options)
      expect(run()).toBe(SUM)
      const later = await mse.async.valueAndGrad(pred, zeros, { ...options, out: { pred } })
      expect(later.value).toBe(SUM)
      expect([...pred.subarray(0, 4)]).toEqual([0, 2, 4, 6])
    })

    it('that the other addon lends are given back after the last call that needs them', async () => {
      await collect(() => foreign.lent() === 0)
      const start = () => mse.async(fill(foreign.lend(LENGTH)), zeros, options)
      const bind = () => mse.bind(fill(foreign.lend(LENGTH)), zeros, options)
      let promise: Promise<number> | undefined = start()
      let run: (() => number) | undefined = bind()
      globalThis.gc?.()
      expect(foreign.lent()).toBe(2)
      expect(await promise).toBe(SUM)
      expect(run()).toBe(SUM)
      promise = undefined
      run = undefined
      await collect(() => foreign.lent() === 0)
    })

    it.each(['losskit', 'the other addon'])(
      'of %s that the other addon detaches are ERR_DETACHED',
      async owner => {
        const make = () => fill(owner === 'losskit' ? alloc(LENGTH) : foreign.lend(LENGTH))
        const pred = make()
        const run = mse.bind(pred, zeros, options)
        expect(run()).toBe(SUM)
        foreign.detach(pred)
        for (const act of [
          run,
          () => mse(pred, zeros),
          () => mse.grad(zeros, zeros, { out: { pred } }),
          () => mse.accumulator().update(pred, zeros),
        ]) {
          expect(thrown(act)).toMatchObject({ name: 'LosskitBufferError', code: 'ERR_DETACHED' })
        }
        expect((await rejected(mse.async(pred, zeros))).code).toBe('ERR_DETACHED')
      },
    )

    it('that are detached under a call are ERR_DETACHED, while their memory is there', async () => {
      const pred = fill(foreign.lend(LENGTH))
      const promise = mse.async(pred, zeros)
      foreign.detach(pred)
      expect((await rejected(promise)).code).toBe('ERR_DETACHED')
    })
  })
})

type Calls = readonly object[]

interface Answer {
  readonly results: readonly unknown[]
  readonly empty: { readonly pred: Float32Array }
  readonly errors: readonly unknown[]
  readonly controlWord: number
}

const program = fileURLToPath(new URL('beside.mjs', import.meta.url))

async function inWorker(mode: number, calls: Calls): Promise<Answer> {
  const worker = new Worker(program, { argv: [foreignFile, mode] })
  worker.postMessage(calls)
  const [[answer], [code]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')])
  expect(code).toBe(0)
  return answer as Answer
}

async function inProcess(mode: number, calls: Calls): Promise<Answer> {
  const child = fork(program, [foreignFile, `${mode}`], { serialization: 'advanced' })
  child.send(calls)
  const message = once(child, 'message')
  const [code, signal] = await once(child, 'exit')
  expect(code ?? signal).toBe(0)
  const [answer] = await message
  return answer as Answer
}
