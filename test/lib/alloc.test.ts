import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { DtypeName } from '../../binding.js'
import { binding } from '../../lib/backend/binding.ts'
import { alloc, mse } from '../../lib/index.ts'
import { createArray } from '../../lib/tensor/alloc.ts'
import { told } from './thrown.ts'

const MB = 2 ** 20
const bytesOf = (array: ArrayBufferView) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
const misalignment = (array: ArrayBufferView) => binding.bytesToLine(bytesOf(array))

const CLASSES: readonly (readonly [DtypeName, string])[] = [
  ['float32', 'Float32Array'],
  ['float64', 'Float64Array'],
  ['float16', 'Uint16Array'],
  ['bfloat16', 'Uint16Array'],
  ['int8', 'Int8Array'],
  ['uint8', 'Uint8Array'],
  ['int16', 'Int16Array'],
  ['uint16', 'Uint16Array'],
  ['int32', 'Int32Array'],
  ['uint32', 'Uint32Array'],
  ['int64', 'BigInt64Array'],
]

describe('alloc', () => {
  it.each(CLASSES)('gives zeroes of %s in a %s', (dtype, name) => {
    for (const length of [1, 7, 1000, 700_001]) {
      const array = alloc(length, dtype)
      expect(Object.prototype.toString.call(array)).toBe(`[object ${name}]`)
      expect(array.length).toBe(length)
      expect(bytesOf(array).every(byte => byte === 0)).toBe(true)
    }
  })

  it.skipIf(totalmem() < 12 * 2 ** 30)('gives more bytes than engines have in an array of bytes', () => {
    const length = 2 ** 31 + 5
    expect([alloc(length, 'bfloat16').length, createArray('Uint16Array', length).length]).toEqual([
      length,
      length,
    ])
  })

  it('begins at a multiple of 64 bytes, whatever the size', () => {
    const kept = []
    for (let length = 1; length < 2 ** 22; length = length * 2 + 1) {
      const array = alloc(length, 'uint8')
      kept.push(array)
      expect(misalignment(array), `${length} bytes`).toBe(0)
    }
  })

  it('gives memory of its own each time, all of which can be written', () => {
    const arrays = Array.from({ length: 20 }, (_, i) => alloc(MB + i, 'float32').fill(i))
    for (const [i, array] of arrays.entries()) expect(array.every(x => x === i)).toBe(true)
  })

  it('gives arrays for calls', () => {
    const pred = alloc(MB, 'float32').fill(3)
    const out = { pred: alloc(MB, 'float32') }
    const { value, grad } = mse.valueAndGrad(pred, alloc(MB, 'float32').fill(1), { out, reduction: 'sum' })
    expect(value).toBe(4 * MB)
    expect(grad.pred).toBe(out.pred)
    expect(out.pred.every(g => g === 4)).toBe(true)
  })

  it('gives an empty array for no elements', () => {
    expect(alloc(0, 'float64')).toEqual(new Float64Array(0))
  })

  it('gives float32 where no dtype is named', () => {
    expect(alloc(4)).toEqual(Float32Array.of(0, 0, 0, 0))
  })

  it('takes no more than is needed for that', () => {
    for (const length of [1, 15, 16, 17, 1000, 3_000_000]) {
      const array = alloc(length, 'float32')
      expect(array.buffer.byteLength).toBeLessThan(array.byteLength + 64)
    }
  })

  it.runIf(process.platform === 'linux')('asks for huge pages for large arrays, and so do gradients', () => {
    /** Sizes of the mappings that have been asked for, in MB. */
    const advised = () =>
      readFileSync('/proc/self/smaps', 'utf8')
        .split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)
        .filter(mapping => /^VmFlags:.* hg\b/m.test(mapping))
        .map(mapping => Number(/^Size: *(\d+) kB/m.exec(mapping)?.[1]) / 1024)
    const kept: unknown[] = [alloc(123 * MB, 'uint8')]
    const pred = new Float32Array(35 * MB)
    kept.push(mse.grad(pred, pred))
    // All of an array but for less than a page at either end.
    const has = (size: number) => advised().some(mapping => mapping > size - 4 && mapping <= size)
    expect([has(123), has(140), kept.length]).toEqual([true, true, 2])
  })

  it('tells the garbage collector how much it holds, and gives it back when nobody holds it', async () => {
    const collect = async () => {
      for (let i = 0; i < 3; i++) {
        ;(globalThis.gc as () => void)()
        await turn()
      }
    }
    const sizes = () => ({ buffers: process.memoryUsage().arrayBuffers, rss: process.memoryUsage.rss() })
    await collect()
    const before = sizes()
    expect(alloc(256 * MB, 'uint8').fill(1).length).toBe(256 * MB)
    const during = sizes()
    // The counts are the process's: a few bytes of others may come or go in between.
    expect(during.buffers - before.buffers).toBeGreaterThan(255 * MB)
    expect(during.rss - before.rss).toBeGreaterThan(200 * MB)
    await collect()
    const after = sizes()
    expect(during.buffers - after.buffers).toBeGreaterThan(255 * MB)
    expect(during.rss - after.rss).toBeGreaterThan(200 * MB)
  })

  it('holds no more than a loop needs that never lets the event loop turn', () => {
    const before = process.memoryUsage.rss()
    for (let i = 0; i < 40; i++) alloc(64 * MB, 'uint8').fill(1)
    expect(process.memoryUsage.rss() - before).toBeLessThan((40 * 64 * MB) / 2)
  })

  it('gives memory that can be transferred, and bound calls notice', () => {
    const pred = alloc(MB, 'float32')
    const run = mse.bind(pred, alloc(MB, 'float32').fill(1))
    expect(run()).toBe(1)
    const moved = structuredClone(pred.buffer, { transfer: [pred.buffer] })
    expect(moved.byteLength).toBeGreaterThanOrEqual(4 * MB)
    expect(told(run)).toContain('ERR_DETACHED')
  })
})

describe('alloc refuses', () => {
  const loose = alloc as unknown as (...args: unknown[]) => unknown

  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '3', null, undefined, {}, 3n])(
    'a length of %s',
    length => {
      expect(told(() => loose(length, 'float32'))).toMatch(
        /^ERR_OPTION: alloc: length is .*\. It must be a whole number from 0 on\.$/,
      )
    },
  )

  it.each(['float8', 'bool', 'toString', '', null, 4, Float32Array])('a dtype of %s', dtype => {
    expect(told(() => loose(3, dtype))).toMatch(
      /^ERR_DTYPE: alloc: dtype is .*\. It must be 'float32', .* or 'int64'\.$/,
    )
  })

  it.each([2 ** 53 - 1, 2 ** 47, 2 ** 40])('more than there is: %i elements', length => {
    expect(told(() => alloc(length, 'float64'))).toBe(
      `ERR_BACKEND: alloc: there is not enough memory for ${length} elements of float64.`,
    )
  })
})
