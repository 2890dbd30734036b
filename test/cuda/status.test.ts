/** What is told about CUDA in every state that a machine may be in. */

import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { file } from '../../lib/backend/binding.ts'
import { EMULATED, missing } from './devices.ts'
import { bundleLosskit, inProcess, type Losskit } from './process.ts'

describe.skipIf(missing !== undefined)('cuda.status', () => {
  bundleLosskit()
  const status = ({ cuda }: Losskit) => cuda.status()

  it('lists the devices where there are some', async () => {
    const { state, driver, runtime, devices, message } = await inProcess(
      { LOSSKIT_EMULATED_DEVICES: '2', LOSSKIT_EMULATED_MEMORY: '1000000' },
      status,
    )
    expect({ state, driver, runtime }).toEqual({ state: 'available', driver: '13.0', runtime: '13.0' })
    expect(devices).toHaveLength(2)
    expect(devices[0]).toMatchObject({ name: 'Emulated device 0', bytes: 1_000_000 })
    for (const { uuid } of devices) expect(uuid).toMatch(/^GPU-\w{8}-\w{4}-\w{4}-\w{4}-\w{12}$/)
    expect(devices[0]?.uuid).not.toBe(devices[1]?.uuid)
    expect(message).toBe('CUDA can be used: Emulated device 0, Emulated device 1.')
  })

  it.each([
    ['no driver', { LOSSKIT_EMULATED_DRIVER: '0' }, 'no-driver', 35, null, 'There is no NVIDIA driver.'],
    [
      'an old driver',
      { LOSSKIT_EMULATED_DRIVER: '12040' },
      'driver-too-old',
      35,
      '12.4',
      'The NVIDIA driver knows CUDA up to 12.4, but losskit was built with CUDA 13.0. Install driver 580 or later',
    ],
    [
      'no device',
      { LOSSKIT_EMULATED_DEVICES: '0' },
      'no-device',
      100,
      '13.0',
      'There is a driver, but no device',
    ],
  ])('says what to do where there is %s', async (_, env, state, code, driver, message) => {
    const found = await inProcess(env, status)
    expect(found).toMatchObject({ state, code, driver, runtime: '13.0', devices: [] })
    expect(found.message).toContain(message)
  })

  it.each([
    ['no library', '/nowhere/liblosskit_cuda.so', 'library-missing', 'LOSSKIT_CUDA_LIBRARY names it'],
    ['a file that is no library', new URL(import.meta.url).pathname, 'error', 'cannot be used'],
    ['another library', file, 'error', 'it is a library, but not that of losskit'],
  ])('says so where there is %s', async (_, path, state, message) => {
    const found = await inProcess({ LOSSKIT_CUDA_LIBRARY: path }, status)
    expect(found).toMatchObject({ state, driver: null, runtime: null, devices: [] })
    expect(found.message).toContain(message)
    expect(found.message).toContain(path)
  })

  it('looks for the library beside the addon', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'losskit-beside-'))
    try {
      const env = { LOSSKIT_CUDA_LIBRARY: '', LOSSKIT_BINARY: join(folder, 'losskit.node') }
      copyFileSync(file, env.LOSSKIT_BINARY)
      const library = join(folder, 'liblosskit_cuda.so')
      const without = await inProcess(env, status)
      expect(without).toMatchObject({ state: 'library-missing', devices: [] })
      expect(without.message).toContain(`is not there: ${library}. This copy of losskit comes without it`)
      copyFileSync(EMULATED, library)
      expect(await inProcess(env, status)).toMatchObject({ state: 'available' })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('is where CUDA begins: importing losskit opens nothing', async () => {
    const opened = await inProcess({}, async ({ cuda, mse }) => {
      const { readFileSync } = process.getBuiltinModule('node:fs')
      const isOpen = () => readFileSync('/proc/self/maps', 'utf8').includes('liblosskit_cuda')
      mse([1], [2])
      const before = isOpen()
      cuda.status()
      return [before, isOpen()]
    })
    expect(opened).toEqual([false, true])
  })

  it('is what cuda.device says where there is none', async () => {
    const told = await inProcess({ LOSSKIT_EMULATED_DRIVER: '0' }, ({ cuda }) => {
      try {
        cuda.device()
      } catch (error) {
        return String(error)
      }
      return 'nothing was thrown'
    })
    expect(told).toMatch(
      /^LosskitBackendError \[ERR_BACKEND\]: cuda\.device: no-driver\. There is no NVIDIA driver/,
    )
  })

  it('does not count on a device that is not there', async () => {
    const told = await inProcess({}, ({ cuda }) => {
      const devices = [1, -1, 0.5]
      return devices.map(device => {
        try {
          return cuda.device(device).name
        } catch (error) {
          return (error as Error).message
        }
      })
    })
    for (const message of told) expect(message).toContain('There are 1, numbered from 0.')
  })

  it("is what backend: 'cuda' says, where it is not that the tensors lie elsewhere", async () => {
    const ask = ({ mse }: Losskit) => {
      try {
        return String(mse(Float32Array.of(1), Float32Array.of(2), { backend: 'cuda' }))
      } catch (error) {
        return (error as Error).message
      }
    }
    expect(await inProcess({ LOSSKIT_EMULATED_DEVICES: '0' }, ask)).toMatch(
      /^mse: backend is 'cuda', but CUDA is not there \(no-device\)\. There is a driver/,
    )
    expect(await inProcess({}, ask)).toMatch(
      /^mse: backend is 'cuda', but pred lies in the memory of the host\. .*`cuda\.device\(0\)\.upload\(pred\)`/,
    )
  })

  it.each([
    ['cuda', 'device', "mse: LOSSKIT_BACKEND is 'cuda', but pred lies in the memory of the host."],
    ['auto', 'device, host', undefined],
    ['cpu', 'host', "mse: LOSSKIT_BACKEND is 'cpu', but pred lies on CUDA device 0."],
  ])('is one thing, LOSSKIT_BACKEND another: %s serves tensors of %s', async (backend, serves, message) => {
    const told = await inProcess({ LOSSKIT_BACKEND: backend }, async ({ cuda, mse }) => {
      const gpu = cuda.device(0)
      const served: string[] = []
      let refusal: string | undefined
      try {
        await mse(gpu.upload([1]), gpu.upload([2])).read()
        served.push('device')
      } catch (error) {
        refusal = (error as Error).message
      }
      try {
        mse([1], [2])
        served.push('host')
      } catch (error) {
        refusal = (error as Error).message
      }
      return { served: served.join(', '), refusal }
    })
    expect(told.served).toBe(serves)
    if (message === undefined) expect(told.refusal).toBeUndefined()
    else expect(told.refusal).toContain(message)
  })
})
