/** Devices that run out of memory, fail, or are lost: promises settle all the same, and errors say what to do. */

import { describe, expect, it } from 'vitest'
import { missing } from './devices.ts'
import { bundleLosskit, inProcess, type Losskit } from './process.ts'

interface Told {
  readonly name: string
  readonly code: string
  readonly message: string
  readonly cuda?: number
}

describe.skipIf(missing !== undefined || process.env.LOSSKIT_TEST_GPU === '1')('a device', () => {
  bundleLosskit()

  it('without enough memory says how much there is, and goes on', async () => {
    const told = await inProcess(
      { LOSSKIT_EMULATED_MEMORY: '1000000' },
      async ({ cuda, LosskitDeviceMemoryError }) => {
        const gpu = cuda.device(0)
        const held = gpu.upload(new Float32Array(100_000))
        let error: unknown
        try {
          gpu.upload(new Float32Array(200_000))
        } catch (thrown) {
          error = thrown
        }
        if (!(error instanceof LosskitDeviceMemoryError)) throw error
        held.dispose()
        const later = await gpu.upload(new Float32Array(200_000).fill(1)).read()
        const { name, code, message, requested, free, total, cuda: number } = error
        return { name, code, message, requested, free, total, number, later: later[199_999] }
      },
    )
    expect(told).toMatchObject({
      name: 'LosskitDeviceMemoryError',
      code: 'ERR_DEVICE_MEMORY',
      requested: 800_000,
      total: 1_000_000,
      number: 2,
      later: 1,
    })
    expect(told.free).toBeLessThan(800_000)
    expect(told.message).toContain('800000 bytes were asked for')
  })

  it('takes what its pool keeps for later before it says that there is not enough', async () => {
    const length = await inProcess({ LOSSKIT_EMULATED_MEMORY: '8000000' }, async ({ cuda }) => {
      const gpu = cuda.device(0)
      gpu.tensor('float32', [1_500_000]).dispose()
      await gpu.synchronize()
      // Not from the pool, which still has the memory.
      return gpu.tensor('float32', [1_000_000], { shared: true }).length
    })
    expect(length).toBe(1_000_000)
  })

  it('that is lost tells all who wait, whoever comes later, and those who asked to be told', async () => {
    const told = await inProcess(
      { LOSSKIT_EMULATED_FAIL: '700@3', LOSSKIT_EMULATED_DELAY: '500000' },
      async ({ cuda, mse }) => {
        const tell = (error: unknown) => {
          const { name, code, message, cuda } = error as Told
          return { name, code, message, cuda }
        }
        const gpu = cuda.device(0)
        const [pred, target] = [gpu.upload([1, 2]), gpu.upload([1, 1])]
        const value = mse(pred, target)
        const waiting = [value.read(), pred.read(), gpu.synchronize(), mse.grad(pred, target).pred.read()]
        const settled = (await Promise.allSettled(waiting)).map(result =>
          result.status === 'rejected' ? tell(result.reason) : 'fulfilled',
        )
        const later: unknown[] = []
        for (const act of [
          () => gpu.upload([1]),
          () => gpu.tensor('float32', [1]),
          () => mse(pred, target),
          () => gpu.stream(),
        ]) {
          try {
            act()
            later.push('done')
          } catch (error) {
            later.push(tell(error))
          }
        }
        pred.dispose()
        return { settled, later, lost: await gpu.lost, host: mse([1, 2], [1, 1]) }
      },
    )
    const lost = { name: 'LosskitDeviceError', code: 'ERR_DEVICE_LOST', cuda: 700 }
    expect(told.settled).toHaveLength(4)
    for (const error of [...told.settled, ...told.later]) expect(error).toMatchObject(lost)
    expect(told.lost).toMatchObject({ code: 700, name: 'cudaErrorIllegalAddress' })
    expect((told.settled[0] as Told).message).toContain('only another process can use it again')
    expect(told.host).toBe(0.5)
  })

  it('that fails once is not lost', async () => {
    const told = await inProcess({ LOSSKIT_EMULATED_FAIL: '1@2' }, async ({ cuda }: Losskit) => {
      const gpu = cuda.device(0)
      const first = gpu.upload([1])
      let code = 'none'
      try {
        gpu.upload([2])
      } catch (error) {
        code = (error as Told).code
      }
      await gpu.synchronize()
      return { code, numbers: [...(await first.read())], used: gpu.memory().used }
    })
    expect(told).toMatchObject({ code: 'ERR_DEVICE', numbers: [1] })
    // That of the tensor whose upload failed went back.
    expect(told.used).toBeLessThanOrEqual(1024)
  })
})
