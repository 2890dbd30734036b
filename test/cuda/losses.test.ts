/** Losses of device tensors: their forms, their options, and what they refuse. That their numbers are right is in bits.test.ts. */

import { describe, expect, it } from 'vitest'
import { bce, bceWithLogits, crossEntropy, cuda, huber, mse, nll, rmse } from '../../lib/index.ts'
import { rejected, thrown } from '../lib/thrown.ts'
import { missing } from './devices.ts'
import { bundleLosskit, inProcess } from './process.ts'

/** What the types refuse, to see that it is refused at run time too. */
const loose = (form: unknown) => form as (...given: unknown[]) => unknown

describe.skipIf(missing !== undefined)('a loss of device tensors', () => {
  const gpu = missing === undefined ? cuda.device(0) : (undefined as never)
  const pred = missing === undefined ? gpu.upload(Float32Array.of(1, 2, 3, 4)) : (undefined as never)
  const target = missing === undefined ? gpu.upload(Float32Array.of(1, 1, 1, 1)) : (undefined as never)
  const host = Float32Array.of(1, 1, 1, 1)

  it('is a number that can be read, any number of times', async () => {
    const value = mse(pred, target)
    expect(await Promise.all([value.read(), value.read()])).toEqual([3.5, 3.5])
    expect(await value.read()).toBe(3.5)
    expect(await huber(pred, target, { delta: 2, reduction: 'sum', backend: 'cuda' }).read()).toBe(6.5)
  })

  it('is a tensor where every value is asked for, in the shape of the predictions', async () => {
    const matrix = gpu.upload({ data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] })
    const values = mse(matrix, target, { reduction: 'none' })
    expect(values.shape).toEqual([2, 2])
    expect(await values.read()).toEqual(Float32Array.of(0, 1, 4, 9))
    const out = gpu.tensor('float32', [4])
    expect(mse(matrix, target, { reduction: 'none', out })).toBe(out)
    expect(await out.read()).toEqual(Float32Array.of(0, 1, 4, 9))
  })

  it('has gradients that are tensors of the types and shapes of their inputs', async () => {
    const { value, grad } = mse.valueAndGrad(pred, target)
    expect([await value.read(), await grad.pred.read()]).toEqual([3.5, Float32Array.of(0, 0.5, 1, 1.5)])
    const half = gpu.upload({ data: Uint16Array.of(0x3f80, 0x4000), dtype: 'bfloat16', shape: [1, 2] })
    const halves = mse.grad(half, half).pred
    expect(halves).toMatchObject({ dtype: 'bfloat16', shape: [1, 2] })
    expect(await halves.read()).toEqual(new Uint16Array(2))
  })

  it('writes a gradient where it is told to, over its input too', async () => {
    const own = gpu.upload(Float32Array.of(1, 2, 3, 4))
    const { pred: gradient } = mse.grad(own, target, { out: { pred: own } })
    expect(gradient).toBe(own)
    expect(await own.read()).toEqual(Float32Array.of(0, 0.5, 1, 1.5))
  })

  it('takes weights and incoming gradients that lie on the device', async () => {
    const weight = gpu.upload([0, 1, 2, 3])
    expect(await mse(pred, target, { weight, reduction: 'sum' }).read()).toBe(1 + 8 + 27)
    const upstream = gpu.upload([1, 1, 1, 2])
    const { pred: gradient } = mse.grad(pred, target, { reduction: 'none', upstream })
    expect(await gradient.read()).toEqual(Float32Array.of(0, 2, 4, 12))
    const row = gpu.upload([1, 0])
    const matrix = gpu.upload({ data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] })
    expect(await mse(matrix, target, { weight: row, reduction: 'sum' }).read()).toBe(4)
    const posWeight = gpu.upload([3])
    const logit = gpu.upload([0])
    expect(await bceWithLogits(logit, gpu.upload([1]), { posWeight }).read()).toBe(
      bceWithLogits(Float32Array.of(0), Float32Array.of(1), { posWeight: 3 }),
    )
  })

  it('keeps its conventions about empty batches and functions of the mean', async () => {
    const empty = gpu.upload(new Float32Array(0))
    expect(await mse(empty, empty).read()).toBeNaN()
    expect(await mse(empty, empty, { onEmpty: 'zero' }).read()).toBe(0)
    expect(await rmse(pred, target).read()).toBe(Math.sqrt(3.5))
  })

  describe('looks at data on the device, and tells who reads the result', () => {
    const scores =
      missing === undefined
        ? gpu.upload([
            [1, 2],
            [3, 4],
          ])
        : (undefined as never)
    const labels = missing === undefined ? gpu.upload(Int32Array.of(1, 2)) : (undefined as never)

    it('of a label that names no class', async () => {
      const told =
        'crossEntropy: target[1] is 2. A class label must be from 0 to 1, or ignoreIndex, which is -100.'
      const { value, grad } = crossEntropy.valueAndGrad(scores, labels)
      for (const reading of [value.read(), grad.logits.read(), crossEntropy(scores, labels).read()]) {
        const error = await rejected(reading)
        expect(error).toMatchObject({ name: 'LosskitLabelError', row: 1, label: 2, message: told })
      }
    })

    it('of a value for which the loss is not defined', async () => {
      const values = bce(gpu.upload([0.5, 1.5]), gpu.upload([0, 1]), { reduction: 'none' })
      const error = await rejected(values.read())
      expect(error).toMatchObject({ name: 'LosskitDomainError', index: 1, value: 1.5 })
    })

    it('until the tensor holds something else', async () => {
      const out = gpu.tensor('float32', [2])
      bce(gpu.upload([0.5, 1.5]), gpu.upload([0, 1]), { reduction: 'none', out })
      expect((await rejected(out.read())).code).toBe('ERR_DOMAIN')
      mse(gpu.upload([2, 3]), gpu.upload([0, 0]), { reduction: 'none', out })
      expect(await out.read()).toEqual(Float32Array.of(4, 9))
    })

    it('but ignores the labels that it is told to ignore', async () => {
      const ignored = gpu.upload(Int32Array.of(1, 2))
      expect(await nll(scores, ignored, { ignoreIndex: 2 }).read()).toBe(-2)
    })
  })

  describe('refuses', () => {
    it.each<[string, () => unknown, string]>([
      [
        'a target in the memory of the host',
        () => loose(mse)(pred, host),
        'mse: pred lies on CUDA device 0, but target lies in the memory of the host. Nothing is uploaded without being asked ' +
          'for: give `device.upload(target)`.',
      ],
      [
        'predictions in the memory of the host',
        () => loose(mse.grad)(host, target),
        'mse: target lies on CUDA device 0, but pred lies in the memory of the host.',
      ],
      [
        'weights in the memory of the host',
        () => loose(mse)(pred, target, { weight: host }),
        'mse: pred lies on CUDA device 0, but weight lies in the memory of the host.',
      ],
      [
        'a number for weights',
        () => loose(mse)(pred, target, { weight: 2 }),
        'mse: pred lies on CUDA device 0, but weight is the number 2. Nothing is uploaded without being asked for: give ' +
          '`device.upload([2])`.',
      ],
      [
        'weights that lie on the device alone',
        () => loose(mse)(host, host, { weight: target }),
        'mse: weight lies on CUDA device 0, but pred lies in the memory of the host.',
      ],
      [
        'a buffer in the memory of the host',
        () => loose(mse.grad)(pred, target, { out: { pred: host } }),
        'mse: out.pred lies in the memory of the host, but the inputs lie on CUDA device 0.',
      ],
      [
        'a buffer that lies on a device alone',
        () => loose(mse.grad)(host, host, { out: { pred } }),
        'mse: out.pred lies on CUDA device 0, pred in the memory of the host.',
      ],
      [
        'the CPU',
        () => loose(mse)(pred, target, { backend: 'cpu' }),
        "mse: backend is 'cpu', but pred lies on CUDA device 0. Give `await pred.read()`, or leave backend out.",
      ],
      [
        'options of an accumulator on the device',
        () => loose(crossEntropy.accumulator)({ weight: target }),
        'crossEntropy: weight lies on CUDA device 0, but it is needed here',
      ],
    ])('%s', (_, act, message) => {
      const error = thrown(act)
      expect([error.code, error.message.slice(0, message.length)]).toEqual(['ERR_BACKEND', message])
    })

    it('what arrays are refused for too, before anything is computed', () => {
      const wide = gpu.upload(Float64Array.of(1, 2, 3, 4))
      const short = gpu.upload([1])
      const bytes = gpu.upload(Uint8Array.of(1, 2, 3, 4))
      for (const [act, code] of [
        [() => loose(mse)(pred, short), 'ERR_SHAPE'],
        [() => loose(mse)(pred, wide), 'ERR_DTYPE'],
        [() => loose(mse)(bytes, bytes), 'ERR_DTYPE'],
        [() => loose(mse)(pred, target, { detla: 1 }), 'ERR_OPTION'],
        [() => loose(mse)(pred, target, { stream: 1 }), 'ERR_OPTION'],
        [() => loose(mse)(host, host, { stream: gpu.stream() }), 'ERR_OPTION'],
        [() => loose(mse.grad)(pred, target, { out: { pred: short } }), 'ERR_OUT'],
        [() => loose(mse.grad)(pred, target, { out: { pred: wide } }), 'ERR_OUT'],
        [() => loose(crossEntropy)(gpu.upload([[1, 2]]), gpu.upload([0])), 'ERR_DTYPE'],
      ] as const) {
        expect(thrown(act).code, String(act)).toBe(code)
      }
    })

    it('weights that would have to be spread out first', () => {
      const matrix = gpu.upload({ data: new Float32Array(6), shape: [2, 3] })
      const column = gpu.upload({ data: new Float32Array(2), shape: [2, 1] })
      const { code, message } = thrown(() => mse(matrix, matrix, { weight: column }))
      expect(code).toBe('ERR_SHAPE')
      expect(message).toContain('On a device it must have the same shape, or that of the trailing dimensions')
    })

    it('memory that is written and read by one call', () => {
      for (const act of [
        () => mse.grad(pred, target, { out: { pred: target } }),
        () => mse(pred, target, { reduction: 'none', out: pred }),
      ]) {
        expect(thrown(act).code).toBe('ERR_OVERLAP')
      }
    })

    it('what was disposed of', () => {
      const gone = gpu.upload([1, 2, 3, 4])
      gone.dispose()
      for (const [act, what] of [
        [() => mse(gone, target), 'mse: pred'],
        [() => mse(pred, gone), 'mse: target'],
        [() => mse(pred, target, { weight: gone }), 'mse: weight'],
        [() => mse.grad(pred, target, { out: { pred: gone } }), 'mse: out.pred'],
      ] as const) {
        const { code, message } = thrown(act)
        expect([code, message]).toEqual([
          'ERR_DISPOSED',
          `${what} was disposed of and cannot be used any more.`,
        ])
      }
    })
  })

  it('leaves nothing behind where it is refused', async () => {
    const [large, other] = [gpu.upload(new Float32Array(10_000)), gpu.upload(new Float32Array(10_000))]
    await gpu.synchronize()
    const { used } = gpu.memory()
    for (let i = 0; i < 100; i++) {
      thrown(() => mse.valueAndGrad(large, other, { reduction: 'none', out: { value: other } }))
    }
    await gpu.synchronize()
    // Each would have left a gradient.
    expect(gpu.memory().used).toBeLessThan(used + 40_000)
  })
})

describe.skipIf(missing !== undefined || process.env.LOSSKIT_TEST_GPU === '1')('two devices', () => {
  bundleLosskit()

  it('have nothing to do with each other', async () => {
    const told = await inProcess({ LOSSKIT_EMULATED_DEVICES: '2' }, async ({ cuda, mse }) => {
      const [one, two] = [cuda.device(0), cuda.device(1)]
      const [pred, target] = [one.upload([1, 2]), two.upload([1, 1])]
      const messages = [
        () => mse(pred, target),
        () => mse(pred, pred, { stream: two.stream() }),
        () => mse.grad(pred, pred, { out: { pred: target } as never }),
      ].map(act => {
        try {
          act()
          return 'done'
        } catch (error) {
          return (error as Error).message
        }
      })
      const copied = one.upload(await target.read())
      return { messages, value: await mse(pred, copied).read(), same: cuda.device(1) === two }
    })
    expect(told).toMatchObject({ value: 0.5, same: true })
    expect(told.messages).toEqual([
      'mse: pred lies on CUDA device 0, target on CUDA device 1. All must lie on one device: ' +
        '`device.upload(await target.read())` copies one to another.',
      'mse: stream is one of CUDA device 1, and the tensors lie on CUDA device 0.',
      'mse: out.pred lies on CUDA device 1, but the inputs lie on CUDA device 0. It must be a tensor of that device.',
    ])
  })

  it('share memory with other processes', async () => {
    const sums = await inProcess({}, async ({ cuda, mse }, library) => {
      const gpu = cuda.device(0)
      const shared = gpu.tensor('float32', [3], { shared: true })
      const zeroes = gpu.upload(new Float32Array(3))
      mse(gpu.upload([1, 2, 3]), zeroes, { reduction: 'none', out: shared })
      await gpu.synchronize()
      const source = `
        const { cuda, mse } = await import(${JSON.stringify(library)})
        const gpu = cuda.device(0)
        const opened = gpu.openIpc(JSON.parse(process.argv[1]))
        const numbers = [...await opened.read()]
        mse.grad(opened, gpu.upload(new Float32Array(3)), { reduction: 'sum', out: { pred: opened } })
        await gpu.synchronize()
        opened.dispose()
        console.log(JSON.stringify(numbers))`
      const { execFileSync } = process.getBuiltinModule('node:child_process')
      const handle = JSON.stringify(shared.ipcHandle())
      const theirs = execFileSync(process.execPath, ['--input-type=module', '-e', source, handle], {
        encoding: 'utf8',
      })
      const refusals = [
        () => zeroes.ipcHandle(),
        () => gpu.openIpc({ ...JSON.parse(handle), uuid: 'GPU-0' }),
      ].map(act => {
        try {
          act()
          return 'done'
        } catch (error) {
          return (error as { code: string }).code
        }
      })
      return [JSON.parse(theirs), [...(await shared.read())], refusals]
    })
    expect(sums).toEqual([
      [1, 4, 9],
      [2, 8, 18],
      ['ERR_BACKEND', 'ERR_BACKEND'],
    ])
  })
})
