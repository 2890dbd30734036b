/** Streams: what is in one is done in order, several wait for each other where they share tensors. */

import { describe, expect, it } from 'vitest'
import { cuda, mse } from '../../lib/index.ts'
import { rejected, thrown } from '../lib/thrown.ts'
import { missing } from './devices.ts'
import { bundleLosskit, inProcess } from './process.ts'

const SLOW = { LOSSKIT_EMULATED_DELAY: '40000' }
const isGpu = process.env.LOSSKIT_TEST_GPU === '1'

describe.skipIf(missing !== undefined || isGpu)('work on a slow device', () => {
  bundleLosskit()

  it('is put into a stream at once, and its events happen when it is done', async () => {
    const seen = await inProcess(SLOW, async ({ cuda, mse }) => {
      const gpu = cuda.device(0)
      const begin = performance.now()
      const [pred, target] = [gpu.upload([1, 2, 3]), gpu.upload([1, 1, 1])]
      const values = Array.from({ length: 5 }, () => mse(pred, target))
      const put = performance.now() - begin
      const event = gpu.defaultStream.record()
      const before = event.done
      let turns = 0
      const turning = setInterval(() => turns++, 1)
      await gpu.synchronize()
      clearInterval(turning)
      const whole = performance.now() - begin
      return { put, whole, before, after: event.done, turns, value: await values[4]?.read() }
    })
    expect(seen).toMatchObject({ before: false, after: true, value: 5 / 3 })
    expect(seen.whole).toBeGreaterThan(7 * 40)
    expect(seen.put).toBeLessThan(seen.whole / 2)
    expect(seen.turns).toBeGreaterThan(10)
  })

  it('in several streams is ordered by the tensors that they share', async () => {
    const seen = await inProcess(SLOW, async ({ cuda, mse }) => {
      const gpu = cuda.device(0)
      const [one, two] = [gpu.stream(), gpu.stream()]
      const pred = gpu.upload([1, 2, 3], { stream: one })
      const target = gpu.upload([1, 1, 1], { stream: two })
      // A reads what both have uploaded, and B writes over it when A has read.
      const before = mse(pred, target, { stream: two })
      mse.grad(pred, target, { stream: one, out: { pred }, reduction: 'sum' })
      const after = mse(pred, target, { stream: two, reduction: 'sum' })
      return [await before.read(), [...(await pred.read())], await after.read()]
    })
    expect(seen).toEqual([5 / 3, [0, 2, 4], 1 + 1 + 9])
  })

  it('waits for events of other streams', async () => {
    const seen = await inProcess(SLOW, async ({ cuda, mse }) => {
      const gpu = cuda.device(0)
      const [one, two] = [gpu.stream(), gpu.stream()]
      for (let i = 0; i < 4; i++) gpu.upload([i], { stream: one })
      const first = one.record()
      two.wait(first)
      const second = two.record()
      const free = gpu.stream().record()
      await new Promise(resolve => setTimeout(resolve, 10))
      const early = [first.done, second.done, free.done]
      await two.synchronize()
      return [early, [first.done, second.done, mse([1], [1])]]
    })
    expect(seen).toEqual([
      [false, false, true],
      [true, true, 0],
    ])
  })

  it('keeps what it works on until it is done, whatever is disposed of', async () => {
    const seen = await inProcess(SLOW, async ({ cuda, mse }) => {
      const gpu = cuda.device(0)
      const stream = gpu.stream()
      const [pred, target] = [gpu.upload(new Float32Array(500).fill(3)), gpu.upload(new Float32Array(500))]
      const value = mse(pred, target, { stream })
      const { pred: grad } = mse.grad(pred, target, { stream, reduction: 'sum' })
      const reading = grad.read()
      for (const thing of [pred, target, grad, stream]) thing.dispose()
      // The same memory, if it were free already.
      const others = Array.from({ length: 6 }, () => gpu.upload(new Float32Array(500).fill(-1)))
      const result = [await value.read(), (await reading).every(x => x === 6)]
      for (const other of others) other.dispose()
      await gpu.synchronize()
      return [...result, gpu.memory().used]
    })
    expect(seen.slice(0, 2)).toEqual([9, true])
    // The result of one loss, which has not been collected.
    expect(seen[2]).toBeLessThan(4096)
  })

  it('does not keep a process from ending, nor brings it down', async () => {
    const ended = await inProcess(SLOW, ({ cuda, mse }) => {
      const gpu = cuda.device(0)
      const [pred, target] = [gpu.upload(new Float32Array(500)), gpu.upload(new Float32Array(500))]
      void mse(pred, target).read()
      process.stdout.write('\n"ended"')
      process.exit(0)
    })
    expect(ended).toBe('ended')
  })

  it('that a worker leaves behind when it is terminated harms nobody', async () => {
    const seen = await inProcess(SLOW, async ({ cuda, mse }, library) => {
      const { Worker } = process.getBuiltinModule('node:worker_threads')
      const source = `
        import(${JSON.stringify(library)}).then(({ cuda, mse }) => {
          const { parentPort } = process.getBuiltinModule('node:worker_threads')
          const gpu = cuda.device(0)
          const stream = gpu.stream()
          const [pred, target] = [gpu.upload(new Float32Array(999), { stream }), gpu.upload(new Float32Array(999))]
          for (let i = 0; i < 10; i++) {
            mse(pred, target).read()
            mse.grad(pred, target, { stream }).pred.read()
          }
          parentPort.postMessage('busy')
        })`
      const workers = Array.from({ length: 3 }, () => new Worker(source, { eval: true }))
      await Promise.all(workers.map(worker => new Promise(resolve => worker.once('message', resolve))))
      await Promise.all(workers.map(worker => worker.terminate()))
      const gpu = cuda.device(0)
      const value = await mse(gpu.upload([3]), gpu.upload([1])).read()
      await gpu.synchronize()
      return { value, used: gpu.memory().used }
    })
    expect(seen.value).toBe(4)
    expect(seen.used).toBeLessThan(4096)
  })

  it('is shared by workers, each with tensors of its own', async () => {
    const values = await inProcess({}, async (_, library) => {
      const { Worker } = process.getBuiltinModule('node:worker_threads')
      const source = `
        import(${JSON.stringify(library)}).then(async ({ cuda, mse }) => {
          const { parentPort, workerData } = process.getBuiltinModule('node:worker_threads')
          const gpu = cuda.device(0)
          let sum = 0
          for (let i = 0; i < 50; i++) {
            const pred = gpu.upload(new Float32Array(100).fill(workerData))
            const target = gpu.upload(new Float32Array(100))
            sum += await mse(pred, target).read()
            pred.dispose()
            target.dispose()
          }
          parentPort.postMessage(sum)
        })`
      return await Promise.all(
        [1, 2, 3, 4].map(
          workerData =>
            new Promise<number>((resolve, reject) => {
              new Worker(source, { eval: true, workerData }).once('message', resolve).once('error', reject)
            }),
        ),
      )
    })
    expect(values).toEqual([50, 200, 450, 800])
  })
})

describe.skipIf(missing !== undefined)('a stream', () => {
  it('takes nothing more once it is disposed of, but its tensors can be read', async () => {
    const gpu = cuda.device(0)
    const stream = gpu.stream()
    const tensor = gpu.upload([1, 2], { stream })
    stream.dispose()
    stream.dispose()
    expect(await tensor.read()).toEqual(Float32Array.of(1, 2))
    for (const act of [
      () => stream.record(),
      () => gpu.upload([1], { stream }),
      () => mse(tensor, tensor, { stream }),
    ]) {
      expect(thrown(act)).toMatchObject({ code: 'ERR_DISPOSED', name: 'LosskitDeviceError' })
    }
    expect((await rejected(stream.synchronize())).code).toBe('ERR_DISPOSED')
  })

  it('is one of a device, and an event one of a stream', () => {
    const gpu = cuda.device(0)
    expect(thrown(() => gpu.upload([1], { stream: {} as never })).code).toBe('ERR_OPTION')
    expect(thrown(() => gpu.stream().wait({} as never)).message).toContain(
      'It must be what stream.record() gave.',
    )
  })

  it('stands what many do at once', async () => {
    const gpu = cuda.device(0)
    await gpu.synchronize()
    const streams = Array.from({ length: 4 }, () => gpu.stream())
    const round = async (i: number) => {
      const stream = streams[i % 4]
      using pred = gpu.upload(new Float32Array(1000).fill(i), { stream })
      using target = gpu.upload(new Float32Array(1000), { stream: streams[(i + 1) % 4] })
      const { value, grad } = mse.valueAndGrad(pred, target, { stream, reduction: 'sum' })
      using gradient = grad.pred
      const reading = gradient.read()
      const [sum, numbers] = await Promise.all([value.read(), reading])
      return sum === 1000 * i * i && numbers.every(x => x === 2 * i)
    }
    const rounds = await Promise.all(Array.from({ length: 300 }, (_, i) => round(i)))
    expect(rounds.every(Boolean)).toBe(true)
    for (const stream of streams) stream.dispose()
  })
})
