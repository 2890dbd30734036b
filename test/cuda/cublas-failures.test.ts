/** cuBLAS that is not there, that fails, or for whose work there is no memory: errors say what is the matter and how to mend it. */

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { missing } from './devices.ts'
import { bundleLosskit, inProcess, type Losskit } from './process.ts'

const DRIVER = fileURLToPath(new URL('../../build/Release/libcuda_emulated.so', import.meta.url))

/** A real one would be found, and has nothing to compute on. */
const isInstalled =
  existsSync('/usr/local/cuda/lib64/libcublasLt.so.13') ||
  existsSync('/usr/local/cuda/lib64/libcublasLt.so.12') ||
  `${spawnSync('/sbin/ldconfig', ['-p']).stdout}`.includes('libcublasLt.so')
if (isInstalled) console.log('skipped, as there is cuBLAS on this machine: what is said where there is none')

/** Three calls of one layer, of which each may fail: by cuBLAS, by it once more, and by losskit's own kernel. */
async function callThrice({ cuda, linearCrossEntropy }: Losskit) {
  const gpu = cuda.device(0)
  const [x, w] = [
    gpu.upload([[1, 2]]),
    gpu.upload([
      [0, 0],
      [0, 0],
    ]),
  ].map(wide =>
    gpu.upload({ data: Float32Array.from({ length: wide.length }, (_, i) => i), shape: [...wide.shape] }),
  ) as [ReturnType<typeof gpu.upload>, ReturnType<typeof gpu.upload>]
  const labels = gpu.upload(Int32Array.of(0))
  const told: unknown[] = []
  for (const options of [{ matmul: 'cublas' }, { matmul: 'cublas' }, {}]) {
    try {
      const call = linearCrossEntropy as unknown as (...given: unknown[]) => { read(): Promise<number> }
      told.push(Number.isFinite(await call(x, w, labels, options).read()))
    } catch (error) {
      const { name, code, message, cuda: number } = error as Error & { code: string; cuda?: number }
      told.push({ name, code, message, number: number ?? 'none' })
    }
  }
  return told
}

describe.skipIf(missing !== undefined || process.env.LOSSKIT_TEST_GPU === '1')('cuBLAS', () => {
  bundleLosskit()

  it.skipIf(isInstalled)(
    'that is nowhere is refused with the places where it was looked for, each time',
    async () => {
      const [first, second, exact] = await inProcess({ LOSSKIT_CUBLASLT_LIBRARY: '' }, callThrice)
      expect(first).toMatchObject({ name: 'LosskitBackendError', code: 'ERR_BACKEND' })
      const { message } = first as { message: string }
      expect(message).toMatch(
        /^linearCrossEntropy: matmul 'cublas' needs the library cuBLASLt, which cannot be opened: /,
      )
      for (const place of [
        'libcublasLt.so.13: ',
        'libcublasLt.so.12: ',
        '/usr/local/cuda/lib64/libcublasLt.so.13: ',
      ]) {
        expect(message).toContain(place)
      }
      expect(message).toMatch(
        /Install cuBLAS of CUDA 13 or 12, or let LOSSKIT_CUBLASLT_LIBRARY name the file, or leave matmul out, for 'exact'\.$/,
      )
      expect(second).toEqual(first)
      expect(exact).toBe(true)
    },
  )

  it('that is not where it was said to be', async () => {
    const [first] = await inProcess({ LOSSKIT_CUBLASLT_LIBRARY: '/nowhere/libcublasLt.so' }, callThrice)
    expect(first).toMatchObject({ code: 'ERR_BACKEND' })
    expect((first as { message: string }).message).toMatch(
      /\/nowhere\/libcublasLt\.so: .*LOSSKIT_CUBLASLT_LIBRARY names it: correct it, or unset it\.$/,
    )
  })

  it('that lacks a function is another library', async () => {
    const [first] = await inProcess({ LOSSKIT_CUBLASLT_LIBRARY: DRIVER }, callThrice)
    expect(first).toMatchObject({ code: 'ERR_BACKEND' })
    expect((first as { message: string }).message).toContain(`${DRIVER} has no function cublasLtCreate.`)
  })

  it.each<[string, string, string]>([
    ['15@1', 'CUBLAS_STATUS_NOT_SUPPORTED (15)', 'cannot compute this product on the device'],
    ['13@1', 'CUBLAS_STATUS_EXECUTION_FAILED (13)', 'a kernel of cuBLAS did not run'],
    ['99@1', 'CUBLAS_STATUS of another number (99)', 'not known to losskit'],
  ])('that fails with %s says so by name, and the device goes on', async (fault, name, text) => {
    const [first, second, exact] = await inProcess({ LOSSKIT_EMULATED_CUBLAS_FAIL: fault }, callThrice)
    expect(first).toMatchObject({ name: 'LosskitDeviceError', code: 'ERR_DEVICE', number: 'none' })
    const { message } = first as { message: string }
    expect(message).toContain(`CUDA device 0: running a loss failed: ${name}`)
    expect(message).toContain(text)
    expect([second, exact]).toEqual([true, true])
  })

  it('has memory for the logits of some rows only, where that of all would not fit', async () => {
    // 32 MiB of cuBLAS's own; beside them 2100 rows of 1000 logits would be 4.2 MB, 1024 are 2.1.
    const told = await inProcess({ LOSSKIT_EMULATED_MEMORY: String(2 ** 25 + 3_200_000) }, async losskit => {
      const { cuda, linearCrossEntropy } = losskit
      const gpu = cuda.device(0)
      const half = (rows: number) =>
        gpu.upload({ data: new Uint16Array(rows * 2), shape: [rows, 2], dtype: 'bfloat16' })
      const [x, w, labels] = [half(2100), half(1000), gpu.upload(new Int32Array(2100))] as const
      let refused: unknown
      try {
        linearCrossEntropy.grad(x, w, labels, { matmul: 'cublas' })
      } catch (error) {
        refused = { ...(error as object) }
      }
      const value = linearCrossEntropy(x, w, labels, { matmul: 'cublas', workspace: 2 ** 20 })
      return { refused, value: await value.read() }
    })
    expect(told.refused).toMatchObject({ code: 'ERR_DEVICE_MEMORY', cuda: 2 })
    const { requested } = told.refused as { requested: number }
    expect(requested).toBeGreaterThan(2 ** 25 + 4_200_000)
    expect(requested).toBeLessThan(2 ** 25 + 4_400_000)
    expect(told.value).toBeCloseTo(Math.log(1000), 6)
  })

  it('takes tensors that another process shares from anywhere within its memory', async () => {
    const [found, truth] = await inProcess({}, async ({ cuda, crossEntropy, mse }, library) => {
      const gpu = cuda.device(0)
      // Each begins one number after what is aligned: two rows of four, three classes, a bias.
      const numbers = Float32Array.of(
        0,
        1,
        2,
        3,
        4,
        -1,
        -2,
        -3,
        -4,
        1,
        0,
        1,
        0,
        0,
        1,
        0,
        1,
        -1,
        0,
        0,
        1,
        3,
        1,
        2,
      )
      const shared = gpu.tensor('float32', [24], { shared: true })
      const zeros = gpu.upload(new Float32Array(24))
      mse.grad(gpu.upload(numbers), zeros, { reduction: 'sum', upstream: 0.5, out: { pred: shared } })
      await gpu.synchronize()
      const source = `
        const { cuda, linearCrossEntropy } = await import(${JSON.stringify(library)})
        const gpu = cuda.device(0)
        const handle = JSON.parse(process.argv[1])
        const open = (at, shape) => gpu.openIpc({ ...handle, offset: handle.offset + 4 * at, shape })
        const [input, classes, bias] = [open(1, [2, 4]), open(9, [3, 4]), open(21, [3])]
        const options = { bias, matmul: 'cublas', reduction: 'none' }
        const values = await linearCrossEntropy(input, classes, gpu.upload(Int32Array.of(2, 0)), options).read()
        console.log(JSON.stringify([...values]))
        for (const tensor of [input, classes, bias]) tensor.dispose()`
      const { execFileSync } = process.getBuiltinModule('node:child_process')
      const args = ['--input-type=module', '-e', source, JSON.stringify(shared.ipcHandle())]
      const dot = (a: number, b: number) =>
        [0, 1, 2, 3].reduce((sum, k) => sum + (numbers[a + k] as number) * (numbers[b + k] as number), 0)
      const logits = [1, 5].map(x => [9, 13, 17].map((w, c) => dot(x, w) + (numbers[21 + c] as number)))
      return [
        JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })),
        [...crossEntropy(logits, [2, 0], { reduction: 'none' })],
      ] as [number[], number[]]
    })
    expect(truth).toHaveLength(2)
    for (const [i, value] of truth.entries()) expect(found[i]).toBeCloseTo(value, 5)
  })
})
