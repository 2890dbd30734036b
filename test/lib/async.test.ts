import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { bce, crossEntropy, mse, siameseTriplet } from '../../lib/index.ts'
import { rejected, thrown } from './thrown.ts'

const pred = Float32Array.of(1, 2, 3, 4)
const target = Float32Array.of(1, 1, 1, 1)

/** What takes longer than handing it to another thread does. */
const handedOver = () => new Float32Array(50_000)

/** Rows that take a while: about a tenth of a second, so that there is time to see what happens meanwhile. */
const ROWS = 4000
const CLASSES = 10_000
const heavy = {
  logits: { data: new Float32Array(ROWS * CLASSES).fill(0.5), shape: [ROWS, CLASSES] },
  labels: new Int32Array(ROWS),
}

describe('an asynchronous call', () => {
  it('gives what the synchronous call gives, in every form', async () => {
    expect(await mse.async(pred, target)).toBe(3.5)
    expect(await mse.async(pred, target, { reduction: 'none' })).toEqual(Float32Array.of(0, 1, 4, 9))
    expect(await mse.async.grad(pred, target, { upstream: 2 })).toEqual({ pred: Float32Array.of(0, 1, 2, 3) })
    expect(await mse.async.valueAndGrad([1, 3], [1, 1])).toEqual({
      value: 2,
      grad: { pred: Float64Array.of(0, 2) },
    })
    expect(await crossEntropy.async([[0, 0]], [-100], { onEmpty: 'zero' })).toBe(0)
  })

  it('fills the buffers it was given', async () => {
    const out = { pred: new Float32Array(4) }
    const { grad } = await mse.async.valueAndGrad(pred, target, { out })
    expect(grad.pred).toBe(out.pred)
    expect([...out.pred]).toEqual([0, 0.5, 1, 1.5])
  })

  it('leaves the event loop free', async () => {
    let done = false
    const call = crossEntropy.async.valueAndGrad(heavy.logits, heavy.labels).finally(() => {
      done = true
    })
    let turns = 0
    while (!done) {
      await turn()
      turns++
    }
    const { value } = await call
    expect(value).toBeCloseTo(Math.log(CLASSES), 5)
    expect(turns).toBeGreaterThan(100)
  })

  it('lets the event loop turn where short ones are awaited one after the other', async () => {
    let turns = 0
    let isOver = false
    const count = async () => {
      while (!isOver) {
        await turn()
        turns++
      }
    }
    const counting = count()
    for (let i = 0; i < 500; i++) expect(await mse.async(pred, target)).toBe(3.5)
    isOver = true
    await counting
    expect(turns).toBeGreaterThanOrEqual(499)
  })

  it('is not kept waiting by others that take long', async () => {
    const ended: string[] = []
    // 400 million pairs each: a tenth of a second, if it were alone.
    const scores = new Float32Array(20_000)
    const long = Array.from({ length: 8 }, async () => {
      await siameseTriplet.async(scores, scores)
      ended.push('long')
    })
    const short = async () => {
      await mse.async(handedOver(), handedOver())
      ended.push('short')
    }
    await Promise.all([...long, short()])
    expect(ended[0]).toBe('short')
    expect(ended).toHaveLength(9)
  })

  it('does not disturb other calls, nor they it', async () => {
    const weights = Array.from({ length: 8 }, (_, i) => i + 1)
    const calls = weights.map(weight => mse.async(pred, target, { weight: [weight], reduction: 'sum' }))
    expect(mse(pred, target)).toBe(3.5)
    expect(crossEntropy([[0, 0]], [0], { labelSmoothing: 0.5 })).toBeCloseTo(Math.LN2, 14)
    expect(await Promise.all(calls)).toEqual(weights.map(weight => 14 * weight))
  })

  it('keeps its arrays alive when nobody else does', async () => {
    const calls = Array.from({ length: 20 }, (_, i) =>
      mse.async.grad(new Float32Array(200_000).fill(i), new Float32Array(200_000), { reduction: 'sum' }),
    )
    for (let i = 0; i < 5; i++) {
      ;(globalThis.gc as () => void)()
      await turn()
    }
    for (const [i, { pred }] of (await Promise.all(calls)).entries()) {
      expect(pred.every(g => g === 2 * i)).toBe(true)
    }
  })
})

describe('an error of an asynchronous call', () => {
  it('rejects the promise, with what the synchronous call throws, and never throws at once', async () => {
    const loose = mse.async as (...args: unknown[]) => Promise<unknown>
    for (const args of [
      [],
      [pred],
      [pred, [1]],
      [pred, target, { detla: 1 }],
      [pred, target, { out: pred }],
      [pred, target, { backend: 'cuda' }],
      [pred, target, null],
    ]) {
      const error = await rejected(loose(...args))
      const { code, message } = thrown(() => (mse as (...args: unknown[]) => unknown)(...args))
      // They know the same options but for their last.
      const told = error.message.replace('out, stream and signal', 'out and stream')
      expect([error.code, told]).toEqual([code, message])
    }
  })

  it('tells what the values of the inputs did', async () => {
    const label = await rejected(crossEntropy.async([[1, 2]], [2]))
    expect(label).toMatchObject({ code: 'ERR_LABEL', row: 0, label: 2 })
    expect(label.message).toBe(thrown(() => crossEntropy([[1, 2]], [2])).message)
    const domain = await rejected(bce.async([0.5, -1], [0, 1]))
    expect(domain).toMatchObject({ code: 'ERR_DOMAIN', index: 1, value: -1 })
  })

  it('is ERR_DETACHED when memory goes away under the call', async () => {
    const ownedTarget = handedOver()
    const call = mse.async(handedOver(), ownedTarget)
    const kept = structuredClone(ownedTarget.buffer, { transfer: [ownedTarget.buffer] })
    const error = await rejected(call)
    expect(error.code).toBe('ERR_DETACHED')
    expect(kept.byteLength).toBe(200_000)
  })
})

describe('a signal', () => {
  const reason = new Error('enough')

  it('that is raised before a short call has given its result rejects it', async () => {
    const controller = new AbortController()
    const call = mse.async(pred, target, { signal: controller.signal })
    controller.abort(reason)
    await expect(call).rejects.toBe(reason)
  })

  it('that was raised before rejects at once, and nothing is computed', async () => {
    const out = Float32Array.of(7, 7, 7, 7)
    const call = mse.async.grad(pred, target, { signal: AbortSignal.abort(reason), out: { pred: out } })
    await expect(call).rejects.toBe(reason)
    expect([...out]).toEqual([7, 7, 7, 7])
  })

  it('stops a call that is under way: what it has not come to stays as it was', async () => {
    const gradient = new Float32Array(heavy.logits.data.length).fill(Number.NaN)
    const controller = new AbortController()
    const call = crossEntropy.async.valueAndGrad(heavy.logits, heavy.labels, {
      signal: controller.signal,
      out: { logits: gradient },
    })
    const settled = expect(call).rejects.toBe(reason)
    while (Number.isNaN(gradient[0])) await turn()
    controller.abort(reason)
    await settled
    expect(gradient.at(-1)).toBeNaN()
  })

  it('that is raised afterwards, or never, changes nothing', async () => {
    const controller = new AbortController()
    const { signal } = controller
    for (let i = 0; i < 20; i++) expect(await mse.async(pred, target, { signal })).toBe(3.5)
    controller.abort(reason)
    await expect(mse.async(pred, target, { signal })).rejects.toBe(reason)
  })

  it('is not listened to any longer than the call lasts', async () => {
    const { signal } = new AbortController()
    let listening = 0
    const counted = Object.create(signal, {
      aborted: { get: () => signal.aborted },
      reason: { get: () => signal.reason },
      addEventListener: { value: () => listening++ },
      removeEventListener: { value: () => listening-- },
    }) as AbortSignal
    const call = mse.async(handedOver(), handedOver(), { signal: counted })
    expect(listening).toBe(1)
    await call
    await rejected(bce.async(handedOver().fill(2), handedOver(), { signal: counted }))
    await mse.async(pred, target, { signal: counted })
    expect(listening).toBe(0)
  })

  it('must be one', async () => {
    const error = await rejected(mse.async(pred, target, { signal: {} as AbortSignal }))
    expect(error.message).toBe('mse: signal is an object. It must be an AbortSignal.')
  })
})
