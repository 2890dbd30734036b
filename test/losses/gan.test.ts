import { describe, expect, it } from 'vitest'
import {
  expectAllNear,
  expectAllPrinted,
  expectAllSame,
  expectCode,
  expectPrinted,
  expectSame,
} from '../support/expect.ts'
import { FLOATS, type Floats, floats, zeros } from '../support/floats.ts'
import { fromFloat16, toFloat16 } from '../support/half.ts'
import { expectSlopes, type LooseLoss, looseMember, meanOf, slopesOf, valuesOf } from '../support/loose.ts'

const GANS = ['minimaxGan', 'nonSaturatingGan', 'lsGan', 'hingeGan', 'wassersteinGan'] as const
const generatorOf = (gan: (typeof GANS)[number]) => looseMember(gan, 'generator')
const discriminatorOf = (gan: (typeof GANS)[number]) => looseMember(gan, 'discriminator')
const sides = (value: unknown) => value as { real: Floats; fake: Floats }
const { NaN: nan } = Number

describe.each(FLOATS)('GAN losses in %s', type => {
  const r = floats(type, [2])
  const f = floats(type, [-1])

  it.each([
    // softplus(-2) + softplus(-1), -softplus(-1)
    ['minimaxGan', '0.440189699', '-0.313261688'],
    // softplus(1)
    ['nonSaturatingGan', '0.440189699', '1.313261688'],
    // ½ (2 - 1)² + ½ (-1 - 0)², ½ (-1 - 1)²
    ['lsGan', '1', '2'],
    ['hingeGan', '0', '1'],
    ['wassersteinGan', '-3', '1'],
  ] as const)('%s of real 2 and fake -1', (gan, discriminator, generator) => {
    expectPrinted(meanOf(discriminatorOf(gan), [r, f]), discriminator, type)
    expectPrinted(meanOf(generatorOf(gan), [f]), generator, type)
  })

  it.each([
    // σ(2) - 1, σ(-1), -σ(-1)
    ['minimaxGan', '-0.119202922', '0.268941421', '-0.268941421'],
    ['nonSaturatingGan', '-0.119202922', '0.268941421', '-0.731058579'],
    ['lsGan', '1', '-1', '-2'],
    // fake -1 lies on the margin
    ['hingeGan', '0', '0', '-1'],
    ['wassersteinGan', '-1', '1', '-1'],
  ] as const)('gradients of %s', (gan, real, fake, generator) => {
    const grad = sides(discriminatorOf(gan).grad(r, f))
    expectAllPrinted(grad.real, [real], type)
    expectAllPrinted(grad.fake, [fake], type)
    expectAllPrinted(slopesOf(generatorOf(gan), [f]).fake as Floats, [generator], type)
  })

  it.each(GANS)('%s stays finite for scores of ±1000', gan => {
    const far = floats(type, [1000, -1000])
    expect(meanOf(discriminatorOf(gan), [far, far])).toSatisfy(Number.isFinite)
    expect(meanOf(generatorOf(gan), [far])).toSatisfy(Number.isFinite)
    const { real, fake } = sides(discriminatorOf(gan).grad(far, far))
    for (const slope of [...real, ...fake]) expect(slope).toSatisfy(Number.isFinite)
  })

  it.each(GANS)('%s adds the means of batches of different size', gan => {
    const real = floats(type, [2, 0.5, -1])
    const fake = floats(type, [-1, 3])
    const loss = discriminatorOf(gan)
    const each = sides(loss(real, fake, { reduction: 'none' }))
    const add = (values: Floats) => Array.from(values).reduce((a, b) => a + b, 0)
    expectAllNear([meanOf(loss, [real, fake])], [add(each.real) / 3 + add(each.fake) / 2], 'float64', 1e-14)
    expectAllNear(
      [meanOf(loss, [real, fake], { reduction: 'sum' })],
      [add(each.real) + add(each.fake)],
      'float64',
      1e-14,
    )
    const [mean, sum] = [undefined, 'sum'].map(reduction => sides(loss.grad(real, fake, { reduction })))
    expectAllNear(
      mean?.real as Floats,
      Array.from(sum?.real as Floats, g => g / 3),
      type,
      1e-6,
    )
    expectAllNear(
      mean?.fake as Floats,
      Array.from(sum?.fake as Floats, g => g / 2),
      type,
      1e-6,
    )
    expectAllSame(
      sides(loss.grad(real, fake, { divisor: 4, reduction: 'mean' })).fake,
      Array.from(sum?.fake as Floats, g => g / 4),
    )
  })

  it.each(GANS)('%s gives the same in every form', async gan => {
    const real = floats(type, [2, 0.5, -1])
    const fake = floats(type, [-1, 3])
    const loss = discriminatorOf(gan)
    const value = meanOf(loss, [real, fake])
    const grad = sides(loss.grad(real, fake))
    const same = (other: unknown) => {
      expectAllSame(sides(other).real, grad.real)
      expectAllSame(sides(other).fake, grad.fake)
    }
    const both = loss.valueAndGrad(real, fake)
    expectSame(both.value as number, value)
    same(both.grad)
    expectSame((await loss.async(real, fake)) as number, value)
    same(await loss.async.grad(real, fake))
    const later = (await loss.async.valueAndGrad(real, fake)) as { value: number; grad: unknown }
    expectSame(later.value, value)
    same(later.grad)
    const run = loss.bind(real, fake, { grad: true })
    expectSame(run() as number, value)
    same(run.grad)
    expect(loss.bind(real, fake).grad).toBeUndefined()
    const values = loss.bind(real, fake, { reduction: 'none' })
    expect(values()).toEqual(loss(real, fake, { reduction: 'none' }))
    expect(values.values).toEqual(loss(real, fake, { reduction: 'none' }))
  })

  it.each(GANS)('%s accumulates both batches', async gan => {
    const loss = discriminatorOf(gan)
    const real = floats(type, [2, 0.5, -1])
    const fake = floats(type, [-1, 3])
    const whole = loss.accumulator().update(real, fake)
    expectSame(whole.value, meanOf(loss, [real, fake]))
    expect(whole.count).toBe(5)
    const parts = loss.accumulator().update(real.slice(0, 1), fake.slice(0, 1))
    const rest = await loss.accumulator().updateAsync(real.slice(1), fake.slice(1))
    expect(parts.merge(rest).toBytes()).toEqual(whole.toBytes())
    const read = loss.accumulator.fromBytes(whole.toBytes())
    expectSame(read.value, whole.value)
    expectSame(read.update(real, fake).value, whole.value)
    expect(read.count).toBe(10)
  })

  it('takes probabilities, with the ends of bce', () => {
    const options = { inputs: 'probabilities' }
    const p = floats(type, [0.25, 0, 1])
    for (const gan of ['minimaxGan', 'nonSaturatingGan'] as const) {
      const each = sides(discriminatorOf(gan)(p, p, { ...options, reduction: 'none' }))
      expectAllPrinted(each.real, ['1.386294361', '100', '0'], type)
      expectAllPrinted(each.fake, ['0.287682072', '0', '100'], type)
      const slopes = sides(discriminatorOf(gan).grad(p, p, { ...options, reduction: 'sum' }))
      expectAllPrinted(slopes.real, ['-4', '-1e12', '0'], type)
      expectAllPrinted(slopes.fake, ['1.333333333', '0', '1e12'], type)
      expectCode(() => discriminatorOf(gan)(p, floats(type, [1.5]), options), 'ERR_DOMAIN')
      expectCode(() => generatorOf(gan)(floats(type, [nan]), options), 'ERR_DOMAIN')
      expectCode(() => generatorOf(gan)(p, { inputs: 'scores' }), 'ERR_OPTION')
    }
    expectAllPrinted(valuesOf(generatorOf('minimaxGan'), [p], options), ['-0.287682072', '0', '-100'], type)
    expectAllPrinted(
      valuesOf(generatorOf('nonSaturatingGan'), [p], options),
      ['1.386294361', '100', '0'],
      type,
    )
  })

  it('says which score is no probability', () => {
    const error = expectCode(
      () => discriminatorOf('minimaxGan')([0.5], [0.5, 2], { inputs: 'probabilities' }),
      'ERR_DOMAIN',
    )
    expect(error.message).toBe('minimaxGan.discriminator: fake[1] is 2. A probability must lie in [0, 1].')
  })

  it('pulls scores to the numbers of the caller', () => {
    // ½ (2 - 3)², ½ (-1 + 2)², ½ (-1 - 0.5)²
    const each = sides(discriminatorOf('lsGan')(r, f, { real: 3, fake: -2, reduction: 'none' }))
    expectAllSame([...each.real, ...each.fake], [0.5, 0.5])
    expectAllSame(valuesOf(generatorOf('lsGan'), [f], { target: 0.5 }), [1.125])
    expectCode(() => discriminatorOf('lsGan')(r, f, { real: nan }), 'ERR_OPTION')
    expectCode(() => discriminatorOf('lsGan')(r, f, { target: 1 }), 'ERR_OPTION')
  })

  it('passes NaN into its own batch only', () => {
    const loss = discriminatorOf('hingeGan')
    const each = sides(loss(floats(type, [nan, 0]), f, { reduction: 'none' }))
    expectAllSame(each.real, [nan, 1])
    expectAllSame(each.fake, [0])
    expectSame(meanOf(loss, [floats(type, [nan]), f]), nan)
  })

  it('of an empty batch is NaN, or that of the other if asked', () => {
    const loss = discriminatorOf('lsGan')
    expectSame(meanOf(loss, [zeros(type, 0), f]), nan)
    expectSame(meanOf(loss, [zeros(type, 0), f], { onEmpty: 'zero' }), 0.5)
    expectSame(meanOf(loss, [zeros(type, 0), f], { reduction: 'sum' }), 0.5)
  })

  it('takes incoming gradients for both', () => {
    const loss = discriminatorOf('lsGan')
    const twice = sides(loss.grad(r, f, { upstream: 2 }))
    expectAllSame([...twice.real, ...twice.fake], [2, -2])
    const each = sides(
      loss.grad(r, f, { reduction: 'none', upstream: { real: floats(type, [3]), fake: floats(type, [-1]) } }),
    )
    expectAllSame([...each.real, ...each.fake], [3, 1])
    expectCode(() => loss.grad(r, f, { reduction: 'none', upstream: r }), 'ERR_OPTION')
  })

  it('fills the buffers of the caller', () => {
    const loss = discriminatorOf('lsGan')
    const value = { real: zeros(type, 1), fake: zeros(type, 1) }
    const each = sides(loss(r, f, { reduction: 'none', out: value }))
    expect(each.real).toBe(value.real)
    expectAllSame([...value.real, ...value.fake], [0.5, 0.5])
    const [real, fake] = [r.slice(), f.slice()]
    const both = loss.valueAndGrad(real, fake, { reduction: 'none', out: { real, fake, value } })
    expect(sides(both.grad).real).toBe(real)
    expect(sides(both.value).fake).toBe(value.fake)
    expectAllSame([...real, ...fake], [1, -1])
    expectCode(() => loss(r, f, { out: value }), 'ERR_OPTION')
    expectCode(() => loss.grad(r, f, { out: r }), 'ERR_OPTION')
    expectCode(() => loss.grad(r, f, { out: { pred: r } }), 'ERR_OPTION')
    expectCode(() => loss.grad(r, f, { out: { real: zeros(type, 2) } }), 'ERR_OUT')
    expectCode(() => loss.grad(r, f, { out: { real: f } }), 'ERR_OVERLAP')
    expectCode(() => loss.grad(r, f, { out: { real: value.real, fake: value.real } }), 'ERR_OVERLAP')
  })

  it('leaves an accumulator alone if one side is refused', async () => {
    const acc = discriminatorOf('minimaxGan').accumulator({ inputs: 'probabilities' })
    acc.update([0.5], [0.5])
    const before = acc.toBytes()
    expectCode(() => acc.update([0.5], [2]), 'ERR_DOMAIN')
    await expect(acc.updateAsync([0.5], [2])).rejects.toMatchObject({ code: 'ERR_DOMAIN' })
    expect(acc.toBytes()).toEqual(before)
    expectCode(() => acc.merge(discriminatorOf('lsGan').accumulator()), 'ERR_STATE')
    expectCode(() => acc.merge({}), 'ERR_STATE')
    expectCode(() => acc.merge(discriminatorOf('minimaxGan').accumulator()), 'ERR_STATE')
    const read = discriminatorOf('minimaxGan').accumulator.fromBytes(before)
    await read.updateAsync([0.5], [0.5])
    expect(read.count).toBe(4)
    for (const bytes of [before.slice(0, -1), before.slice(0, 5), before.slice(0, 40), 'bytes']) {
      expectCode(() => discriminatorOf('minimaxGan').accumulator.fromBytes(bytes), 'ERR_STATE')
    }
  })

  it('weighs the scores of generators', () => {
    const scores = floats(type, [1, 2, 3])
    expectAllSame(
      valuesOf(generatorOf('wassersteinGan'), [scores], { weight: floats(type, [1, 0, 2]) }),
      [-1, 0, -6],
    )
    expectCode(() => discriminatorOf('wassersteinGan')(r, f, { weight: r }), 'ERR_OPTION')
  })
})

describe('gradients are the slopes of', () => {
  const scores = [-3, -0.4, 0.2, 0.8, 4]
  const chances = [0.2, 0.4, 0.5, 0.7, 0.8]
  it.each(GANS)('the generator of %s', gan => expectSlopes(generatorOf(gan), [scores], 0, 'fake'))
  it.each(['minimaxGan', 'nonSaturatingGan'] as const)('the generator of %s on probabilities', gan => {
    expectSlopes(generatorOf(gan), [chances], 0, 'fake', { inputs: 'probabilities' })
  })
  it.each(GANS)('the discriminator of %s', gan => {
    const loss = discriminatorOf(gan)
    for (const side of ['real', 'fake'] as const) {
      const of = (form: unknown) => (form as Record<string, Floats>)[side]
      const oneSide = Object.assign((...given: unknown[]) => of(loss(given[0], given[0], given[1])), loss, {
        grad: (...given: unknown[]) => ({ [side]: of(loss.grad(given[0], given[0], given[1])) }),
      }) as LooseLoss
      expectSlopes(oneSide, [scores], 0, side)
    }
  })
})

describe('scores in half precision', () => {
  it('have gradients in half precision, values in float32', () => {
    const bits = (values: number[]) => ({
      data: Uint16Array.from(values, toFloat16),
      dtype: 'float16',
      shape: [values.length],
    })
    const [real, fake] = [bits([2, 0.5]), bits([-1])]
    const { value, grad } = discriminatorOf('lsGan').valueAndGrad(real, fake, { reduction: 'none' })
    expectAllSame(sides(value).real, [0.5, 0.125])
    expect(sides(value).real).toBeInstanceOf(Float32Array)
    expectAllSame(Array.from(sides(grad).real, fromFloat16), [1, -0.5])
    expectAllSame(Array.from(sides(grad).fake, fromFloat16), [-1])
  })
})
