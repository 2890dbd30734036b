/**
 * Losses of class scores on a device, by the length of their rows: short ones share a warp, longer ones are cut into slices for the
 * blocks of a cluster. Whatever the cut, the bits are those of the processor. `npm run test:cuda` runs this on a GPU.
 */

import { describe, expect, it } from 'vitest'
import { crossEntropy, cuda, poly1, softmaxFocal } from '../../lib/index.ts'
import { toBfloat16, toFloat16 } from '../support/half.ts'
import { Random } from '../support/random.ts'
import { missing } from './devices.ts'
import { expectBits } from './expect-bits.ts'
import { type HostTensor, here, type Numbers, numbersOf, there, uploadOptions } from './loose.ts'
import { bundleLosskit, inProcess } from './process.ts'

/** Around the lengths of runs and chunks, and for one to sixteen slices; some of no multiple of four. */
const COLUMNS = [
  33, 100, 257, 512, 513, 1000, 1024, 1027, 2048, 2049, 3000, 4096, 4097, 16_384, 16_385, 70_001, 140_000,
]
const TYPES = ['float32', 'float16', 'bfloat16', 'float64'] as const
type Type = (typeof TYPES)[number]

function tensor(type: Type, numbers: Float32Array, shape: readonly number[]): HostTensor {
  if (type === 'float32') return { data: numbers, shape }
  if (type === 'float64') return { data: Float64Array.from(numbers), shape }
  return { data: Uint16Array.from(numbers, type === 'float16' ? toFloat16 : toBfloat16), shape, dtype: type }
}

/** Mostly small, a few that stand out. */
function scores(random: Random, length: number): Float32Array {
  return Float32Array.from({ length }, () => 3 * random.normal() + (random.uniform() < 1e-3 ? 20 : 0))
}

const arrayOf = (value: number | Numbers) => (typeof value === 'number' ? Float64Array.of(value) : value)

/** Values and gradients there and here; the gradient over the scores too. */
async function compare(
  loss: unknown,
  input: HostTensor,
  target: HostTensor,
  options: object,
  what: string,
): Promise<void> {
  const gpu = cuda.device(0)
  const uploaded = uploadOptions(gpu, options as Record<string, unknown>, ['weight'])
  const [logits, labels] = [gpu.upload(input), gpu.upload(target)]
  const expected = here(loss as never).valueAndGrad(input, target, options)
  const apart = there(loss as never).valueAndGrad(logits, labels, uploaded)
  const over = there(loss as never).valueAndGrad(logits, labels, { ...uploaded, out: { logits } })
  for (const [form, found] of [
    ['apart', apart],
    ['over the scores', over],
  ] as const) {
    const value = (await numbersOf(found.value)) as number | Numbers
    expectBits(arrayOf(value), arrayOf(expected.value), `${what}, ${form}: value`)
    expectBits(
      await numbersOf(found.grad.logits),
      expected.grad.logits as Numbers,
      `${what}, ${form}: gradient`,
    )
  }
}

describe.skipIf(missing !== undefined)('rows of class scores have the bits of the processor', () => {
  describe.each(TYPES)('of %s', type => {
    it.each(COLUMNS)('where they are %i classes long', async columns => {
      const random = new Random(columns)
      const rows = columns > 20_000 ? 4 : 11
      const input = tensor(type, scores(random, rows * columns), [rows, columns])
      const labels = Int32Array.from({ length: rows }, () => random.integer(columns))
      labels[1] = -100
      labels[2] = columns - 1
      const target = { data: labels, shape: [rows] }
      const weight = Float32Array.from({ length: columns }, () => random.uniform())
      for (const [i, options] of [
        {},
        { reduction: 'none' },
        { reduction: 'sum', upstream: -2 },
        { weight },
      ].entries()) {
        await compare(crossEntropy, input, target, options, `options ${i}`)
      }
      await compare(softmaxFocal, input, target, {}, 'focal')
      await compare(poly1, input, target, {}, 'poly')
    })
  })

  it('where scores are infinite or not numbers', async () => {
    const { POSITIVE_INFINITY: over, NEGATIVE_INFINITY: under, NaN: none } = Number
    for (const columns of [40, 700, 5000, 20_000]) {
      for (const strange of [[under], [over], [none], [under, over], [under, none]]) {
        const numbers = scores(new Random(columns), 3 * columns)
        for (const [i, one] of strange.entries()) numbers[columns + 37 + i * (columns >> 1)] = one
        numbers.fill(under, 2 * columns)
        const target = { data: Int32Array.of(1, 36, 5), shape: [3] }
        const input = tensor('float32', numbers, [3, columns])
        await compare(crossEntropy, input, target, { reduction: 'none' }, `${strange} among ${columns}`)
      }
    }
  })

  it('where there are more rows than clusters at once', async () => {
    const [rows, columns] = [1500, 4100]
    const input = tensor('bfloat16', scores(new Random(1), rows * columns), [rows, columns])
    const target = { data: Int32Array.from({ length: rows }, (_, i) => (i * 7919) % columns), shape: [rows] }
    await compare(crossEntropy, input, target, { reduction: 'none' }, 'many rows')
  })

  it('until a label names no class, which is told', async () => {
    const gpu = cuda.device(0)
    for (const columns of [50, 5000, 40_000]) {
      const logits = gpu.upload({ data: scores(new Random(2), 2 * columns), shape: [2, columns] })
      const { value } = crossEntropy.valueAndGrad(logits, gpu.upload(Int32Array.of(0, columns)), {
        out: { logits },
      })
      await expect(value.read()).rejects.toMatchObject({ name: 'LosskitLabelError', row: 1, label: columns })
    }
  })
})

describe.skipIf(missing !== undefined || process.env.LOSSKIT_TEST_GPU === '1')(
  'rows on devices of older generations',
  () => {
    bundleLosskit()

    it.each(['7', '8'])(
      'which have no clusters, and less memory for a block: of compute capability %s',
      async generation => {
        const wrong = await inProcess(
          { LOSSKIT_EMULATED_GENERATION: generation },
          async ({ crossEntropy, cuda }) => {
            const gpu = cuda.device(0)
            const differences: string[] = []
            for (const columns of [100, 3000, 5000, 20_000, 40_000]) {
              const data = Float32Array.from({ length: 3 * columns }, (_, i) => ((i * 7919) % 1013) / 100)
              const input = { data, shape: [3, columns] }
              const target = Int32Array.of(0, columns - 1, -100)
              const expected = crossEntropy.valueAndGrad(input, target)
              const found = crossEntropy.valueAndGrad(gpu.upload(input), gpu.upload(target))
              const gradient = await found.grad.logits.read()
              const isSame = expected.grad.logits.every((x, i) => Object.is(x, gradient[i]))
              if ((await found.value.read()) !== expected.value || !isSame)
                differences.push(`of ${columns} classes`)
            }
            return differences
          },
        )
        expect(wrong).toEqual([])
      },
    )
  },
)
