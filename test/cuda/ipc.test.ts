/**
 * Memory shared with Python: python/losskit_ipc.py over an emulated driver, in turns with a process of losskit. The example
 * of a trainer in PyTorch differs from the one here in whose arrays these are.
 */

import { execFileSync, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { file } from '../../lib/backend/binding.ts'
import { crossEntropy, cuda } from '../../lib/index.ts'
import { thrown } from '../lib/thrown.ts'
import { EMULATED, missing } from './devices.ts'

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const hasPython = spawnSync('python3', ['--version']).error === undefined
const isGpu = process.env.LOSSKIT_TEST_GPU === '1'
if (!hasPython) console.log('skipped, as there is no python3')

function python(...args: string[]) {
  const env = {
    ...process.env,
    LOSSKIT_BINARY: file,
    LOSSKIT_CUDA_LIBRARY: EMULATED,
    LOSSKIT_LIBCUDA: path('../../build/Release/libcuda_emulated.so'),
    PYTHONDONTWRITEBYTECODE: '1',
  }
  return JSON.parse(execFileSync('python3', [path('trainer.py'), ...args], { env, encoding: 'utf8' }))
}

describe.skipIf(missing !== undefined || !hasPython || isGpu)('memory shared with Python', () => {
  it('is trained on there, by losses computed here', () => {
    const logits = { data: Float32Array.of(0.5, -0.25, 2, 1, 0, -1), shape: [2, 3] }
    const labels = BigInt64Array.of(2n, 0n)
    const values: number[] = []
    let first: Float32Array | undefined
    for (let step = 0; step < 4; step++) {
      const { value, grad } = crossEntropy.valueAndGrad(logits, labels, { labelSmoothing: 0.1 })
      values.push(value)
      first ??= grad.logits
      if (step < 3) logits.data = logits.data.map((x, i) => x - (grad.logits[i] as number))
    }
    const trained = python('train')
    expect(trained.values).toEqual(values)
    expect(Float32Array.from(trained.first)).toEqual(first)
    expect(Float32Array.from(trained.logits)).toEqual(logits.data)
    expect(trained.wrong).toContain('RuntimeError: crossEntropy: target[1] is 5.')
  })

  it('is plain data that openIpc takes, and nothing is shared that cannot be', () => {
    const { shared, torch, refused } = python('refuse')
    const gpu = cuda.device(0)
    expect(shared).toEqual({
      uuid: gpu.uuid,
      handle: expect.stringMatching(/^[A-Za-z0-9+/]{86}==$/),
      offset: 256,
      dtype: 'float32',
      shape: [2],
    })
    expect(torch).toEqual([
      ['bfloat16', [1, 2], 256],
      ['uint8', [1, 2], 256],
      ['int64', [1, 2], 256],
    ])
    // It is taken for a handle; the process that it is of has ended.
    expect(thrown(() => gpu.openIpc(shared))).toMatchObject({ code: 'ERR_DEVICE', cuda: 400 })
    expect(refused).toEqual([
      'TypeError: list is no tensor of PyTorch, and has no __cuda_array_interface__',
      'TypeError: losskit has no >f4',
      'TypeError: losskit has no complex64',
      'TypeError: the tensor does not lie on a CUDA device: give tensor.cuda()',
      'ValueError: the tensor is a view with strides: give tensor.contiguous()',
      'ValueError: the tensor is a view with strides: copy it first',
      'ValueError: the tensor is empty',
      expect.stringMatching(/^CudaError: cuPointerGetAttribute failed: .* \(1\)$/),
      'ValueError: this is no handle: it has no dtype, handle, offset, shape',
      "ValueError: this is no handle: its dtype is 'float8'",
      'ValueError: this is no handle: it has 3 bytes, not 64',
      'ValueError: no device of this process is GPU-0: CUDA_VISIBLE_DEVICES may hide it',
      // A process does not open what is its own.
      expect.stringMatching(/^CudaError: cuIpcOpenMemHandle_v2 failed: .* \(201\)$/),
      'done',
    ])
  })

  it('may be that of a tensor made here', async () => {
    const gpu = cuda.device(0)
    using tensor = gpu.tensor('float32', [3], { shared: true })
    const { mse } = await import('../../lib/index.ts')
    mse(gpu.upload([1, 2, 3]), gpu.upload([0, 0, 0]), { reduction: 'none', out: tensor })
    await gpu.synchronize()
    const { numbers, interface: shown, closed } = python('look', JSON.stringify(tensor.ipcHandle()))
    expect(numbers).toEqual([1, 4, 9])
    expect(shown).toEqual({ shape: [3], typestr: '<f4', data: null, strides: null, version: 3 })
    expect(closed).toBe('ValueError: this memory was closed')
    expect(await tensor.read()).toEqual(Float32Array.of(2, 8, 18))
  })

  it('goes with a trainer in PyTorch that is a program', () => {
    const compile = 'import ast, sys; ast.parse(open(sys.argv[1]).read())'
    execFileSync('python3', ['-c', compile, path('../../examples/trainer/trainer.py')])
  })
})
