/**
 * linearCrossEntropy with products of cuBLAS, against float64 on the processor. `npm run test:cuda` runs this on a GPU, where
 * there is cuBLAS; elsewhere it is an emulation.
 */

import { describe, expect, it } from 'vitest'
import { cuda, type DeviceTensor, linearCrossEntropy, mbe } from '../../lib/index.ts'
import { rejected, thrown } from '../lib/thrown.ts'
import type { Options } from '../support/losses.ts'
import { Random } from '../support/random.ts'
import { missing } from './devices.ts'
import { here, type Numbers, numberOf, numbersOf, there } from './loose.ts'
import {
  type Asked,
  type Bounded,
  expected,
  type Layer,
  makeLayer,
  restore,
  type Stored,
  store,
} from './products.ts'

const TYPES = ['float32', 'float16', 'bfloat16'] as const

/** Why cuBLAS is not there; only a GPU may be without. */
const without = missing ?? whyNot()

function whyNot(): string | undefined {
  if (process.env.LOSSKIT_TEST_GPU !== '1') return undefined
  const one = cuda.device(0).upload({ data: new Float32Array(64), shape: [8, 8] })
  try {
    linearCrossEntropy(one, one, cuda.device(0).upload(new Int32Array(8)), { matmul: 'cublas' })
  } catch (error) {
    console.log(`skipped: ${(error as Error).message}`)
    return (error as Error).message
  }
  return undefined
}

const CUBLAS = { matmul: 'cublas' } as const

interface Uploaded {
  readonly tensors: DeviceTensor[]
  readonly options: Options
}

function upload(
  { type, rows, columns, classes, input, linearWeight, bias, target }: Layer,
  asked: Asked,
): Uploaded {
  const gpu = cuda.device(0)
  const { withBias, weight, upstream, ...rest } = asked
  return {
    tensors: [
      gpu.upload(store(type, input, rows, columns)),
      gpu.upload(store(type, linearWeight, classes, columns)),
      gpu.upload(target),
    ],
    options: {
      ...CUBLAS,
      ...rest,
      ...(withBias && { bias: gpu.upload(store(type, bias, classes)) }),
      ...(weight && { weight: gpu.upload(weight) }),
      ...(upstream !== undefined && {
        upstream: typeof upstream === 'number' ? upstream : gpu.upload(upstream),
      }),
    },
  }
}

interface Found {
  readonly value: Float64Array
  readonly grad: Readonly<Record<string, Numbers>>
}

async function compute({ tensors, options }: Uploaded, more: Options = {}): Promise<Found> {
  const { value, grad } = there(linearCrossEntropy).valueAndGrad(...tensors, { ...options, ...more })
  const numbers = options.reduction === 'none' ? await numbersOf(value) : [await numberOf(value)]
  const gradients = await Promise.all(
    Object.entries(grad).map(async ([name, tensor]) => [name, await numbersOf(tensor)] as const),
  )
  return { value: Float64Array.from(numbers), grad: Object.fromEntries(gradients) }
}

function expectWithin(found: Float64Array, { truth, bound }: Bounded, what: string): void {
  expect(found.length).toBe(truth.length)
  let worst = 0
  for (let i = 0; i < truth.length; i++) {
    const off = Math.abs((found[i] as number) - (truth[i] as number))
    if (!(off <= (bound[i] as number))) {
      expect.fail(`${what}: number ${i} is ${found[i]}, the truth is ${truth[i]} give or take ${bound[i]}`)
    }
    if (off > 0) worst = Math.max(worst, off / (bound[i] as number))
  }
  // Bounds that nothing comes near would find nothing.
  expect(worst, what).toBeGreaterThan(1e-4)
}

/** Bounds say something only where they are far below the numbers. */
const TIGHT: Readonly<Record<Stored, number>> = { float32: 1e-3, float16: 0.1, bfloat16: 0.6 }

function expectRight(found: Found, layer: Layer, asked: Asked): void {
  const truths = expected(layer, asked)
  expectWithin(found.value, truths.value, 'value')
  for (const [name, gradient] of Object.entries(found.grad)) {
    const { truth, bound } = truths[name as keyof typeof truths]
    const [size, error] = [truth, bound].map(all =>
      all.reduce((most, x) => Math.max(most, Math.abs(x)), 0),
    ) as [number, number]
    expect(error / size, `bounds of ${name}`).toBeLessThan(TIGHT[layer.type])
    expectWithin(restore(layer.type, gradient), { truth, bound }, `gradient of ${name}`)
  }
}

describe.skipIf(without !== undefined)('linearCrossEntropy with products of cuBLAS', () => {
  const gpu = missing === undefined ? cuda.device(0) : (undefined as never)

  describe.each(TYPES)('of %s', type => {
    const random = new Random(5)
    const [rows, columns, classes] = [70, 19, 53]
    const layer = makeLayer(random, type, rows, columns, classes)
    const weight = Float32Array.from({ length: classes }, () => 0.25 + random.uniform())

    it.each<[string, Asked]>([
      ['the mean', {}],
      ['the mean with a bias', { withBias: true }],
      ['the mean by weights', { weight, withBias: true }],
      ['smoothed labels', { weight, withBias: true, labelSmoothing: 0.1 }],
      ['the sum, under an incoming gradient', { reduction: 'sum', upstream: -1.5 }],
      ['a mean with a divisor', { divisor: 7, withBias: true }],
      [
        'each value, with an incoming gradient for each',
        { reduction: 'none', upstream: Float32Array.from({ length: rows }, (_, i) => (i % 7) - 3), weight },
      ],
    ])('is as near to the truth as rounding lets it be: %s', async (_, asked) => {
      expectRight(await compute(upload(layer, asked)), layer, asked)
    })

    it('works through many rows in steps', async () => {
      const many = makeLayer(random, type, 2100, 5, 37)
      const asked = { withBias: true, labelSmoothing: 0.05 } as const
      const uploaded = upload(many, asked)
      const steps = await compute(uploaded, { workspace: 1 })
      expectRight(steps, many, asked)
      const once = await compute(uploaded)
      expectRight(once, many, asked)
      // Sums of the classes go from row to row, however they are cut; others may be added in another order.
      if (process.env.LOSSKIT_TEST_GPU !== '1') {
        expect(steps.value).toEqual(once.value)
        expect(steps.grad.input).toEqual(once.grad.input)
        expect(steps.grad.bias).toEqual(once.grad.bias)
      }
    })

    it.each([3, 33, 4100])(
      'takes %i classes, whose rows of logits begin where they are aligned',
      async count => {
        const other = makeLayer(random, type, 9, 6, count)
        expectRight(await compute(upload(other, { withBias: true })), other, { withBias: true })
      },
    )

    it('gives equal bits twice', async () => {
      const uploaded = upload(makeLayer(random, type, 1300, 7, 41), { withBias: true })
      expect(await compute(uploaded, { workspace: 1 })).toEqual(await compute(uploaded, { workspace: 1 }))
    })

    it('has the value without gradients too, and the sum of every value', async () => {
      const { tensors, options } = upload(layer, { reduction: 'none' })
      const both = await compute({ tensors, options })
      const values = await numbersOf(there(linearCrossEntropy)(...tensors, options))
      expect(Float64Array.from(values)).toEqual(both.value)
      const { value } = await compute({ tensors, options: { ...options, reduction: 'sum' } })
      // The exact sum of the values, rounded once: as mbe has it.
      expect(value[0]).toBe(mbe(new Float32Array(rows), values as Float32Array, { reduction: 'sum' }))
    })
  })

  it('ignores rows, whatever they hold', async () => {
    const layer = makeLayer(new Random(9), 'float32', 12, 4, 6)
    const input = layer.input.slice()
    const ignored = [2, 5, 6]
    for (const row of ignored) {
      layer.target[row] = -100
      input.fill(row === 5 ? Number.POSITIVE_INFINITY : Number.NaN, row * 4, row * 4 + 4)
    }
    const clean = await compute(upload(layer, { withBias: true }))
    const dirty = await compute(upload({ ...layer, input }, { withBias: true }))
    expect(dirty).toEqual(clean)
    for (const row of ignored) {
      expect((dirty.grad.input as Float32Array).slice(row * 4, row * 4 + 4)).toEqual(new Float32Array(4))
    }
  })

  it.each(TYPES)('gives ignored rows a gradient of zero, whatever the classes hold, in %s', async type => {
    const layer = makeLayer(new Random(10), type, 6, 8, 5)
    layer.target[4] = -100
    layer.linearWeight[3] = Number.POSITIVE_INFINITY
    layer.linearWeight[9] = Number.NaN
    const { grad } = await compute(upload(layer, {}))
    const slopes = restore(type, grad.input as Numbers)
    expect(slopes.slice(32, 40).every(slope => slope === 0)).toBe(true)
    expect(slopes.slice(0, 32).some(Number.isNaN)).toBe(true)
  })

  it('keeps small derivatives of float16 in a mean over many rows', async () => {
    // Each is far below the least float16 once it is divided by the number of rows.
    const [rows, classes] = [1500, 400]
    const layer = {
      ...makeLayer(new Random(11), 'float16', rows, 1, classes),
      input: new Float64Array(rows).fill(1),
    }
    const flat = { ...layer, linearWeight: new Float64Array(classes), target: new Int32Array(rows) }
    const { grad } = await compute(upload(flat, {}))
    const slopes = restore('float16', grad.linearWeight as Numbers)
    expect(1 / classes / rows).toBeLessThan(2 ** -19)
    expect(Math.abs((slopes[1] as number) * classes - 1)).toBeLessThan(2 ** -9)
  })

  it('has no gradient and no value where no row counts', async () => {
    const layer = makeLayer(new Random(3), 'float32', 5, 3, 4)
    const { tensors, options } = upload(
      { ...layer, target: new Int32Array(5).fill(-100) },
      { withBias: true },
    )
    const { value, grad } = await compute({ tensors, options })
    expect(value).toEqual(Float64Array.of(Number.NaN))
    for (const gradient of Object.values(grad)) expect(gradient.every(slope => slope === 0)).toBe(true)
    expect(await numberOf(there(linearCrossEntropy)(...tensors, { ...options, onEmpty: 'zero' }))).toBe(0)
    const none = upload(
      { ...layer, rows: 0, input: new Float64Array(0), target: new Int32Array(0) },
      { withBias: true },
    )
    const nothing = await compute(none, { reduction: 'sum' })
    expect(nothing.value).toEqual(Float64Array.of(0))
    expect(nothing.grad).toEqual({
      input: new Float32Array(0),
      linearWeight: new Float32Array(12),
      bias: new Float32Array(4),
    })
  })

  it('refuses labels as the processor does', async () => {
    const layer = makeLayer(new Random(3), 'float32', 1100, 3, 4)
    layer.target[1090] = 4
    layer.target[1095] = -1
    const told = thrown(() =>
      here(linearCrossEntropy)(
        { data: layer.input, shape: [1100, 3] },
        { data: layer.linearWeight, shape: [4, 3] },
        layer.target,
      ),
    )
    const { tensors, options } = upload(layer, {})
    const { value, grad } = there(linearCrossEntropy).valueAndGrad(...tensors, { ...options, workspace: 1 })
    for (const reading of [numberOf(value), numbersOf(grad.linearWeight)]) {
      const { code, message } = await rejected(reading)
      expect([code, message]).toEqual([told.code, told.message])
    }
  })

  it('can be bound, awaited, and accumulated', async () => {
    const layer = makeLayer(new Random(4), 'bfloat16', 20, 6, 9)
    const { tensors, options } = upload(layer, {})
    const { value, grad } = await compute({ tensors, options })
    const run = there(linearCrossEntropy).bind(...tensors, { ...options, grad: true })
    for (let i = 0; i < 2; i++) expect(await numberOf(run())).toBe(value[0])
    expect(await numbersOf(run.grad.linearWeight)).toEqual(grad.linearWeight)
    expect(await there(linearCrossEntropy).async(...tensors, options)).toBe(value[0])
    const total = linearCrossEntropy.accumulator(CUBLAS)
    const [input, linearWeight, target] = tensors as [
      DeviceTensor<'bfloat16'>,
      DeviceTensor<'bfloat16'>,
      DeviceTensor<'int32'>,
    ]
    await total.updateAsync(input, linearWeight, target)
    expect(total.value).toBe(value[0])
  })

  it('has its own bits: those of the processor come without it', async () => {
    const layer = makeLayer(new Random(6), 'bfloat16', 20, 6, 9)
    const { tensors } = upload(layer, {})
    const exact = await numberOf(there(linearCrossEntropy)(...tensors, { matmul: 'exact' }))
    expect(await numberOf(there(linearCrossEntropy)(...tensors))).toBe(exact)
    expect(await numberOf(there(linearCrossEntropy)(...tensors, CUBLAS))).not.toBe(exact)
  })

  describe('refuses', () => {
    const [x, w, labels] = [[[1, 2]], [[0, 0]], [0]] as const
    const wide = { data: new Float64Array(2), shape: [1, 2] }

    it.each<[string, () => unknown, string, string]>([
      [
        'arrays',
        () => here(linearCrossEntropy)(x, w, labels, CUBLAS),
        'ERR_OPTION',
        'linearCrossEntropy: matmul is for device tensors. Leave it out.',
      ],
      [
        'a workspace of arrays',
        () => here(linearCrossEntropy).grad(x, w, labels, { workspace: 4096 }),
        'ERR_OPTION',
        'linearCrossEntropy: workspace is for device tensors. Leave it out.',
      ],
      [
        'arrays in an accumulator',
        () => linearCrossEntropy.accumulator(CUBLAS).update([[1, 2]], [[0, 0]], Int32Array.of(0)),
        'ERR_OPTION',
        'linearCrossEntropy: matmul is for device tensors. Leave it out.',
      ],
      [
        'another word',
        () => here(linearCrossEntropy)(x, w, labels, { matmul: 'fast' }),
        'ERR_OPTION',
        "linearCrossEntropy: matmul is 'fast'. It must be 'exact' or 'cublas'.",
      ],
      [
        'half a byte',
        () => here(linearCrossEntropy)(x, w, labels, { workspace: 0.5 }),
        'ERR_OPTION',
        'linearCrossEntropy: workspace is 0.5. It must be a whole number of bytes above 0.',
      ],
      [
        'float64',
        () =>
          there(linearCrossEntropy)(gpu.upload(wide), gpu.upload(wide), gpu.upload(Int32Array.of(0)), CUBLAS),
        'ERR_DTYPE',
        "linearCrossEntropy: input is float64. With matmul 'cublas' it must be float32, float16 or bfloat16.",
      ],
    ])('%s', (_, act, code, message) => {
      expect(thrown(act)).toMatchObject({ code, message })
    })
  })
})
