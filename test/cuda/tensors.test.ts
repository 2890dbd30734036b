/** Tensors of a device: what goes there comes back, and nothing stays behind. */

import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { cuda, type DeviceTensor } from '../../lib/index.ts'
import { rejected, thrown } from '../lib/thrown.ts'
import { missing } from './devices.ts'

const collect = globalThis.gc as () => void

/** How much the tensors of a device hold once all work is done. */
async function used(): Promise<number> {
  const gpu = cuda.device(0)
  await gpu.synchronize()
  return gpu.memory().used
}

describe.skipIf(missing !== undefined)('a tensor of a device', () => {
  const gpu = missing === undefined ? cuda.device(0) : (undefined as never)

  it.each([
    ['float32', Float32Array.of(1.5, -0, Number.NaN, Number.POSITIVE_INFINITY)],
    ['float64', Float64Array.of(1 / 3, -0, Number.NaN)],
    ['float16', Uint16Array.of(0x3c00, 0x8000, 0x7e01)],
    ['bfloat16', Uint16Array.of(0x3f80, 0xffff)],
    ['int8', Int8Array.of(-128, 127)],
    ['uint8', Uint8Array.of(255, 0)],
    ['int16', Int16Array.of(-32768, 1)],
    ['uint16', Uint16Array.of(65535)],
    ['int32', Int32Array.of(-(2 ** 31), 5)],
    ['uint32', Uint32Array.of(2 ** 32 - 1)],
    ['int64', BigInt64Array.of(-(2n ** 63n), 7n)],
  ] as const)('keeps %s as it is', async (dtype, data) => {
    using tensor = gpu.upload(data as Float32Array, { dtype })
    expect(tensor).toMatchObject({ dtype, shape: [data.length], length: data.length, device: gpu })
    const read = await tensor.read()
    expect(read.constructor).toBe(data.constructor)
    expect(Buffer.from(read.buffer)).toEqual(Buffer.from(data.buffer as ArrayBuffer))
    using empty = gpu.tensor(dtype, [3, 0])
    expect(await empty.read()).toHaveLength(0)
  })

  it('is larger than a block of staging memory', async () => {
    const data = Float32Array.from({ length: 9_000_001 }, (_, i) => i)
    using tensor = gpu.upload(data)
    data[0] = -1 // It was copied at once.
    const read = await tensor.read()
    expect([read[0], read[4_194_304], read[9_000_000]]).toEqual([0, 4_194_304, 9_000_000])
    expect(read.every((x, i) => x === i)).toBe(true)
  })

  it('has the shape of what was uploaded, or another of its size', () => {
    const data = new Float32Array(6)
    expect(gpu.upload({ data, shape: [2, 3] }).shape).toEqual([2, 3])
    expect(gpu.upload(data, { shape: [3, 2] }).shape).toEqual([3, 2])
    expect(gpu.upload({ data: new Uint16Array(2), dtype: 'bfloat16' }).dtype).toBe('bfloat16')
    const { code, message } = thrown(() => gpu.upload(data, { shape: [4, 2] }))
    expect([code, message]).toEqual([
      'ERR_SHAPE',
      'device.upload: shape is [4, 2], which is 8 elements, but data has 6.',
    ])
  })

  it('is made of plain numbers where they are asked for', async () => {
    expect(
      await gpu
        .upload([
          [1, 2],
          [3, 4],
        ])
        .read(),
    ).toEqual(Float32Array.of(1, 2, 3, 4))
    expect(await gpu.upload([0.1], { dtype: 'float64' }).read()).toEqual(Float64Array.of(0.1))
    expect(await gpu.upload([3, -1], { dtype: 'int32' }).read()).toEqual(Int32Array.of(3, -1))
    expect(thrown(() => gpu.upload([0.5], { dtype: 'int32' })).code).toBe('ERR_DTYPE')
    expect(thrown(() => gpu.upload([1], { dtype: 'int8' })).message).toContain('Give a typed array.')
  })

  it('is never converted on its way', () => {
    const { code, message } = thrown(() => gpu.upload(new Float32Array(1), { dtype: 'float16' }))
    expect(code).toBe('ERR_DTYPE')
    expect(message).toContain("dtype is 'float16', but data is a Float32Array.")
    expect(thrown(() => gpu.tensor('float8' as 'float32', [1])).message).toContain("It must be 'float32'")
    expect(thrown(() => gpu.tensor('float32', [-1])).code).toBe('ERR_SHAPE')
    expect(thrown(() => gpu.tensor('float64', [2 ** 30, 2 ** 30])).code).toBe('ERR_SHAPE')
  })

  it('fills arrays of yours, pinned ones too', async () => {
    using tensor = gpu.upload(Float32Array.of(1, 2, 3))
    const own = new Float32Array(3)
    expect(await tensor.readInto(own)).toBe(own)
    expect(own).toEqual(Float32Array.of(1, 2, 3))
    const pinned = gpu.pinned(Float32Array, 3)
    expect(pinned).toEqual(new Float32Array(3))
    expect(await tensor.readInto(pinned)).toEqual(own)
    pinned[0] = 7
    using again = gpu.upload(pinned)
    expect(await again.read()).toEqual(Float32Array.of(7, 2, 3))
    using part = gpu.upload(pinned.subarray(1))
    expect(await part.read()).toEqual(Float32Array.of(2, 3))
    expect(thrown(() => gpu.pinned(Float32Array, -1)).code).toBe('ERR_OPTION')
  })

  it('refuses arrays of another type or size', async () => {
    using tensor = gpu.upload(Float32Array.of(1, 2, 3))
    for (const array of [new Float32Array(2), new Float64Array(3), [0, 0, 0] as unknown as Float32Array]) {
      const { code, message } = await rejected(tensor.readInto(array as Float32Array))
      expect(code).toBe('ERR_OUT')
      expect(message).toContain('It must be a Float32Array of 3 elements, as the tensor is float32.')
    }
  })

  it('tells of an array whose memory was taken away on the way', async () => {
    using tensor = gpu.upload(Float32Array.of(1, 2, 3))
    const array = new Float32Array(3)
    const reading = tensor.readInto(array)
    structuredClone(array.buffer, { transfer: [array.buffer] })
    expect((await rejected(reading)).code).toBe('ERR_DETACHED')
  })

  it('gives its memory back when it is disposed of, and is of no use then', async () => {
    const before = await used()
    const tensor = gpu.upload(new Float32Array(1000))
    const reading = tensor.read()
    expect(await used()).toBeGreaterThanOrEqual(before + 4000)
    tensor.dispose()
    tensor.dispose()
    expect(await reading).toHaveLength(1000)
    expect(await used()).toBe(before)
    const error = await rejected(tensor.read())
    expect(error).toMatchObject({ name: 'LosskitDeviceError', code: 'ERR_DISPOSED' })
    expect(tensor).toMatchObject({ dtype: 'float32', length: 1000 })
  })

  it('that nobody disposed of is found by the garbage collector, and counted', async () => {
    const before = gpu.memory()
    const forget = () => {
      for (let i = 0; i < 10; i++) gpu.tensor('float32', [1000])
    }
    forget()
    for (let i = 0; i < 50 && gpu.memory().leaked < before.leaked + 10; i++) {
      collect()
      await pause(5)
    }
    const after = gpu.memory()
    expect(after.leaked - before.leaked).toBeGreaterThanOrEqual(10)
    expect(after.leakedBytes - before.leakedBytes).toBeGreaterThanOrEqual(40_000)
    expect(await used()).toBeLessThanOrEqual(before.used)
  })

  it('is heavy to the garbage collector, which comes by itself when there are many', async () => {
    const before = gpu.memory().leaked
    for (let i = 0; i < 200 && gpu.memory().leaked === before; i++) {
      gpu.tensor('float32', [2 ** 22])
      await pause(0)
    }
    expect(gpu.memory().leaked).toBeGreaterThan(before)
  })

  it('keeps pinned memory for as long as something is copied from it', async () => {
    const upload = (): DeviceTensor<'float32'> => {
      const pinned = gpu.pinned(Float32Array, 1_000_000).fill(3)
      return gpu.upload(pinned)
    }
    using tensor = upload()
    collect()
    expect((await tensor.read()).every(x => x === 3)).toBe(true)
  })

  it('is not made of a pointer that CUDA does not know', () => {
    const make = (ptr: unknown) => () => gpu.fromPointer({ ptr: ptr as bigint, dtype: 'float32', shape: [1] })
    for (const ptr of [0n, -4n, 6n, 8]) expect(thrown(make(ptr)).code).toBe('ERR_OPTION')
    const { code, message } = thrown(make(4096n))
    expect([code, message]).toEqual([
      'ERR_BACKEND',
      'device.fromPointer: ptr points to no memory that CUDA knows, and this is CUDA device 0.',
    ])
  })

  it('says where it lies when it is looked at here', () => {
    using weight = gpu.upload([1])
    const { code, message } = thrown(() => gpu.upload(weight as never))
    expect(code).toBe('ERR_BACKEND')
    expect(message).toContain('data lies on CUDA device 0, but it is needed here')
  })
})
