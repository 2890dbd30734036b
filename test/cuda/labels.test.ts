/** Labels that lie on a device: of every type that holds whole numbers, and what is said of those that are wrong. */

import { describe, expect, it } from 'vitest'
import {
  ctc,
  cuda,
  type DeviceTensor,
  linearCrossEntropy,
  lovaszHinge,
  lovaszSoftmax,
  multilabelMargin,
  ntXent,
  supCon,
} from '../../lib/index.ts'
import { rejected, thrown } from '../lib/thrown.ts'
import type { AnyLoss, Options } from '../support/losses.ts'
import { Random } from '../support/random.ts'
import { missing } from './devices.ts'
import { here, numberOf, numbersOf, there } from './loose.ts'

const TYPES = [
  Int8Array,
  Uint8Array,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  BigInt64Array,
] as const
type Labels = InstanceType<(typeof TYPES)[number]>

const whole = (Type: (typeof TYPES)[number], numbers: readonly number[]): Labels =>
  Type === BigInt64Array
    ? BigInt64Array.from(numbers, BigInt)
    : new (Type as Exclude<typeof Type, BigInt64ArrayConstructor>)(numbers)

const random = new Random(3)
const numbers = (...shape: number[]) => ({
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.between(0.01, 0.99)),
  shape,
})

type Case = readonly [
  name: string,
  loss: AnyLoss,
  key: string,
  input: unknown,
  labels: (Type: (typeof TYPES)[number]) => unknown[],
]
const forgotten = (loss: unknown) => loss as AnyLoss

/** A loss with its first input and the name of that, and its labels by a type that holds them. */
const LOSSES: readonly Case[] = [
  ['ntXent', forgotten(ntXent), 'embeddings', numbers(6, 3), Type => [whole(Type, [0, 1, 0, 2, 1, 0])]],
  ['supCon', forgotten(supCon), 'embeddings', numbers(6, 3), Type => [whole(Type, [0, 1, 0, 2, 1, 0])]],
  [
    'linearCrossEntropy',
    forgotten(linearCrossEntropy),
    'input',
    numbers(6, 3),
    Type => [numbers(4, 3), whole(Type, [0, 1, 3, 2, 1, 0])],
  ],
  [
    'multilabelMargin',
    forgotten(multilabelMargin),
    'pred',
    numbers(2, 3),
    Type => [{ data: whole(Type, [0, 2, 2, 1, 1, 1]), shape: [2, 3] }],
  ],
  [
    'lovaszSoftmax',
    forgotten(lovaszSoftmax),
    'pred',
    numbers(2, 3, 4),
    Type => [{ data: whole(Type, [0, 2, 2, 1, 1, 1, 0, 0]), shape: [2, 4] }],
  ],
  [
    'ctc',
    forgotten(ctc),
    'logProbs',
    numbers(7, 2, 4),
    Type => [
      { data: whole(Type, [3, 1, 2, 2, 2, 1]), shape: [2, 3] },
      whole(Type, [7, 6]),
      whole(Type, [3, 2]),
    ],
  ],
]

describe.skipIf(missing !== undefined)('labels on a device', () => {
  const gpu = missing === undefined ? cuda.device(0) : (undefined as never)

  describe.each(LOSSES)('of %s', (_, loss, key, input, labels) => {
    it.each(TYPES.map(Type => [Type.name, Type] as const))('may be a %s', async (__, Type) => {
      const given = [input, ...labels(Type)]
      const tensors = given.map(one => gpu.upload(one as never))
      const { value, grad } = there(loss).valueAndGrad(...tensors)
      const expected = here(loss).valueAndGrad(...given)
      expect(await numberOf(value)).toBe(expected.value)
      expect(await numbersOf(grad[key])).toEqual(expected.grad[key])
    })
  })

  it.each<[string, AnyLoss, unknown[], Options]>([
    [
      'linearCrossEntropy: the first that names no class and is not the label to ignore',
      forgotten(linearCrossEntropy),
      [numbers(5, 2), numbers(3, 2), Int32Array.of(2, 7, -100, 3, 0)],
      { ignoreIndex: 7 },
    ],
    [
      'multilabelMargin: one behind the end of the list too',
      forgotten(multilabelMargin),
      [numbers(2, 3), { data: Int32Array.of(0, -1, 1, 2, -1, 3), shape: [2, 3] }],
      {},
    ],
    [
      'lovaszSoftmax: one that is not the label to ignore',
      forgotten(lovaszSoftmax),
      [numbers(2, 3, 2), { data: Int32Array.of(0, 9, -100, 3), shape: [2, 2] }],
      { ignoreIndex: 9 },
    ],
    [
      'lovaszHinge: a target between 0 and 1',
      forgotten(lovaszHinge),
      [numbers(2, 2), { data: Float32Array.of(0, 1, 0.5, 2), shape: [2, 2] }],
      { perImage: true },
    ],
    [
      'ctc: the blank',
      forgotten(ctc),
      [
        numbers(5, 2, 4),
        { data: Int32Array.of(1, 2, 3, 0), shape: [2, 2] },
        Int32Array.of(5, 5),
        Int32Array.of(2, 2),
      ],
      {},
    ],
    [
      'ctc: a length of the first sample, before the labels of the second',
      forgotten(ctc),
      [
        numbers(5, 2, 4),
        { data: Int32Array.of(1, 2, 9, 9), shape: [2, 2] },
        Int32Array.of(5, 5),
        Int32Array.of(3, 2),
      ],
      {},
    ],
    [
      'ctc: a label of the first sample, before the length of the second',
      forgotten(ctc),
      [
        numbers(5, 2, 4),
        { data: Int32Array.of(1, 9, 1, 1), shape: [2, 2] },
        Int32Array.of(5, 6),
        Int32Array.of(2, 2),
      ],
      {},
    ],
  ])('are refused as here by %s', async (_, loss, given, options) => {
    const expected = thrown(() => here(loss)(...given, options))
    const tensors = given.map(one => gpu.upload(one as never))
    const { value, grad } = there(loss).valueAndGrad(...tensors, options)
    const gradient = Object.values(grad)[0] as DeviceTensor
    for (const reading of [numberOf(value), gradient.read()]) {
      const { code, message } = await rejected(reading)
      expect([code, message]).toEqual([expected.code, expected.message])
    }
  })

  it('that do not count give gradients of 0 and leave the divisor of the mean', async () => {
    // The last two have no partner: the mean is one of three rows.
    const embeddings = numbers(5, 2)
    const clusters = Int32Array.of(7, 7, 7, -1, 2)
    const [x, labels] = [gpu.upload(embeddings), gpu.upload(clusters)]
    const rows = await ntXent(x, labels, { reduction: 'none' }).read()
    expect(Array.from(rows).slice(3)).toEqual([0, 0])
    expect(await ntXent(x, labels).read()).toBe(ntXent(embeddings, clusters))
    const alone = gpu.upload(Int32Array.of(1, 2, 3, 4, 5))
    expect(await supCon(x, alone).read()).toBeNaN()
    expect(await supCon(x, alone, { onEmpty: 'zero' }).read()).toBe(0)
  })
})
