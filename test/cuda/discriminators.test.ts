/** The losses of discriminators over device tensors: two batches, whose numbers are put together when they are asked for. */

import { describe, expect, it } from 'vitest'
import {
  cuda,
  type DeviceTensor,
  hingeGan,
  lsGan,
  minimaxGan,
  nonSaturatingGan,
  wassersteinGan,
} from '../../lib/index.ts'
import { rejected, thrown } from '../lib/thrown.ts'
import { Random } from '../support/random.ts'
import { missing } from './devices.ts'
import { expectBits } from './expect-bits.ts'
import { bundleLosskit, inProcess } from './process.ts'

const isGpu = process.env.LOSSKIT_TEST_GPU === '1'

/** What the types refuse, to see that it is refused at run time too. */
const loose = (form: unknown) => form as (...given: unknown[]) => unknown

const CASES = [
  ['minimaxGan', minimaxGan.discriminator, {}],
  ['minimaxGan of probabilities', minimaxGan.discriminator, { inputs: 'probabilities' }],
  ['nonSaturatingGan', nonSaturatingGan.discriminator, {}],
  ['lsGan', lsGan.discriminator, { real: 0.9, fake: -0.1 }],
  ['hingeGan', hingeGan.discriminator, {}],
  ['wassersteinGan', wassersteinGan.discriminator, {}],
] as const

/** A discriminator with the types of its options forgotten. */
type Any = typeof wassersteinGan.discriminator

describe.skipIf(missing !== undefined)('the loss of a discriminator on a device', () => {
  const gpu = missing === undefined ? cuda.device(0) : (undefined as never)

  it.each(CASES)('has the bits of the processor: %s', async (name, discriminator, options) => {
    const loss = discriminator as unknown as Any
    for (const [reals, fakes] of [
      [1, 3],
      [300, 33],
    ] as const) {
      const random = new Random(reals)
      const chances = 'inputs' in options
      const numbers = (count: number) =>
        random.list(count, () => (chances ? random.uniform() : random.normal()))
      const [real, fake] = [Float32Array.from(numbers(reals)), Float64Array.from(numbers(fakes))]
      const [there, beside] = [gpu.upload(real), gpu.upload(fake)]
      for (const more of [{}, { reduction: 'sum', upstream: -2 }, { divisor: 5 }] as const) {
        const all = { ...options, ...more }
        const expected = loss.valueAndGrad(real, fake, all)
        const found = loss.valueAndGrad(there, beside, all)
        const value = await found.value.read()
        expectBits(Float64Array.of(value), Float64Array.of(expected.value), `${name}: value`)
        expect(await loss(there, beside, all).read()).toBe(value)
        expect(await loss.async(there, beside, all)).toBe(value)
        const bound = loss.bind(there, beside, { ...all, grad: true })
        expect(await bound().read()).toBe(value)
        for (const grad of [found.grad, loss.grad(there, beside, all), bound.grad]) {
          expectBits(await grad.real.read(), expected.grad.real, `${name}: gradient of real`)
          expectBits(await grad.fake.read(), expected.grad.fake, `${name}: gradient of fake`)
        }
      }
      const none = { ...options, reduction: 'none' } as const
      const values = loss(real, fake, none)
      for (const found of [loss(there, beside, none), await loss.async(there, beside, none)]) {
        expectBits(await found.real.read(), values.real, `${name}: values of real`)
        expectBits(await found.fake.read(), values.fake, `${name}: values of fake`)
      }
      const [accumulator, host] = [loss.accumulator(options), loss.accumulator(options)]
      await Promise.all([accumulator.updateAsync(there, beside), accumulator.updateAsync(real, fake)])
      expect(accumulator.toBytes()).toEqual(host.update(real, fake).update(real, fake).toBytes())
    }
  })

  it('fills what it is given, and takes incoming gradients for each side', async () => {
    const [real, fake] = [gpu.upload([2, 0]), gpu.upload([1])]
    const upstream = { real: gpu.upload([1, 2]), fake: gpu.upload([3]) }
    const out = {
      real: gpu.tensor('float32', [2]),
      fake,
      value: { real: gpu.tensor('float32', [2]), fake: gpu.tensor('float32', [1]) },
    }
    const stream = gpu.stream()
    const { value, grad } = lsGan.discriminator.valueAndGrad(real, fake, {
      reduction: 'none',
      upstream,
      out,
      stream,
    })
    expect([grad.real, grad.fake, value.real, value.fake]).toEqual([
      out.real,
      out.fake,
      out.value.real,
      out.value.fake,
    ])
    expect(await grad.real.read()).toEqual(Float32Array.of(1, -2))
    expect(await grad.fake.read()).toEqual(Float32Array.of(3))
    expect(await value.real.read()).toEqual(Float32Array.of(0.5, 0.5))
  })

  it('tells of what is wrong with either batch, the real ones first', async () => {
    const [good, bad] = [gpu.upload([0.5, 0.5]), gpu.upload([0.5, 2])]
    const inputs = { inputs: 'probabilities' } as const
    for (const [real, fake, name] of [
      [bad, good, 'real'],
      [good, bad, 'fake'],
      [bad, bad, 'real'],
    ] as const) {
      const { code, message } = await rejected(minimaxGan.discriminator(real, fake, inputs).read())
      expect(code).toBe('ERR_DOMAIN')
      expect(message).toContain(`minimaxGan.discriminator: ${name}[1] is 2.`)
    }
  })

  describe('refuses', () => {
    const real = missing === undefined ? gpu.upload([1, 2]) : (undefined as never)
    const fake = missing === undefined ? gpu.upload([3]) : (undefined as never)
    const { discriminator } = lsGan
    it.each<[string, () => unknown, string, string]>([
      [
        'batches in two places',
        () => loose(discriminator)(real, [3]),
        'ERR_BACKEND',
        'lsGan.discriminator: real lies on CUDA device 0, but fake lies in the memory of the host.',
      ],
      [
        'batches in two places, the other way round',
        () => loose(discriminator.bind)([1, 2], fake),
        'ERR_BACKEND',
        'lsGan.discriminator: fake lies on CUDA device 0, but real lies in the memory of the host.',
      ],
      [
        'incoming gradients in another place',
        () =>
          loose(discriminator.grad)(real, fake, { reduction: 'none', upstream: { real: [1, 1], fake: [1] } }),
        'ERR_BACKEND',
        'lsGan.discriminator: real lies on CUDA device 0, but upstream lies in the memory of the host.',
      ],
      [
        'buffers in another place',
        () => loose(discriminator.grad)(real, fake, { out: { fake: new Float32Array(1) } }),
        'ERR_BACKEND',
        'lsGan.discriminator: out.fake lies in the memory of the host, but the inputs lie on CUDA device 0.',
      ],
      [
        'a buffer over the scores of the other side',
        () => discriminator.grad(real, gpu.upload([1, 2]), { out: { fake: real } }),
        'ERR_OVERLAP',
        'lsGan.discriminator: out.fake shares memory with real.',
      ],
      [
        'one buffer for both sides',
        () => discriminator(real, real, { reduction: 'none', out: BOTH }),
        'ERR_OVERLAP',
        'lsGan.discriminator: out.real shares memory with out.fake.',
      ],
      [
        'a stream for arrays',
        () => loose(discriminator)([1], [2], { stream: gpu.defaultStream }),
        'ERR_OPTION',
        'lsGan.discriminator: stream is for device tensors.',
      ],
    ])('%s', (_, act, code, message) => {
      const error = thrown(act)
      expect([error.code, error.message.slice(0, message.length)]).toEqual([code, message])
    })
    const same = missing === undefined ? gpu.tensor('float32', [2]) : (undefined as never)
    const BOTH = { real: same, fake: same }

    it('batches of an accumulator in two places, or at once', async () => {
      const accumulator = discriminator.accumulator()
      const update = loose(accumulator.updateAsync.bind(accumulator))
      expect((await rejected(update(real, [1]) as Promise<unknown>)).code).toBe('ERR_BACKEND')
      expect(thrown(() => loose(accumulator.update.bind(accumulator))(real, fake)).message).toContain(
        'Call updateAsync()',
      )
      expect(accumulator.count).toBe(0)
    })
  })

  it('leaves nothing behind where the second side is refused', async () => {
    const real = gpu.upload(new Float32Array(10_000))
    const fake = gpu.upload(new Float32Array(2))
    const own = gpu.tensor('float32', [10_000])
    await gpu.synchronize()
    const { used } = gpu.memory()
    const out = { fake: gpu.tensor('float32', [3]) as DeviceTensor<'float32'> }
    for (let i = 0; i < 50; i++) {
      for (const act of [
        () => lsGan.discriminator.grad(real, fake, { out }),
        () => lsGan.discriminator.valueAndGrad(real, fake, { out }),
        () => lsGan.discriminator.bind(real, fake, { grad: true, out }),
        () => lsGan.discriminator.grad(real, fake, { out: { ...out, real: own } }),
      ]) {
        expect(thrown(act).code).toBe('ERR_OUT')
      }
    }
    await gpu.synchronize()
    // Each would have left a gradient of 40 KB.
    expect(gpu.memory().used).toBeLessThan(used + 200_000)
    expect(await own.read()).toHaveLength(10_000)
  })

  it('leaves nothing behind where one side is waited for in vain', async () => {
    const [good, bad] = [gpu.upload(new Float32Array(10_000)), gpu.upload(new Float32Array(10_000).fill(2))]
    await gpu.synchronize()
    const { used } = gpu.memory()
    const inputs = { inputs: 'probabilities' } as const
    for (let i = 0; i < 30; i++) {
      for (const [real, fake] of [
        [good, bad],
        [bad, good],
      ] as const) {
        expect((await rejected(minimaxGan.discriminator.async.grad(real, fake, inputs))).code).toBe(
          'ERR_DOMAIN',
        )
      }
    }
    await gpu.synchronize()
    expect(gpu.memory().used).toBeLessThan(used + 200_000)
  })
})

describe.skipIf(missing !== undefined || isGpu)('batches on two devices', () => {
  bundleLosskit()

  it('are refused', async () => {
    const message = await inProcess({ LOSSKIT_EMULATED_DEVICES: '2' }, ({ cuda, lsGan }) => {
      try {
        lsGan.discriminator(cuda.device(0).upload([1]), cuda.device(1).upload([1]))
        return 'done'
      } catch (error) {
        return (error as Error).message
      }
    })
    expect(message).toContain('lsGan.discriminator: real lies on CUDA device 0, fake on CUDA device 1.')
  })
})
