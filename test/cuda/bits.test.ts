/**
 * Every loss, on a device and on the processor: the same bits in values, sums, means and gradients.
 * `npm run test:cuda` runs this on a GPU.
 */

import { describe, expect, it } from 'vitest'
import { cuda, type DeviceTensor, infoNce, linearCrossEntropy, ntXent, supCon } from '../../lib/index.ts'
import { type Batch, EVERY_LOSS, type EveryLoss } from '../support/every-loss/index.ts'
import { isFloats } from '../support/every-loss/tensors.ts'
import { toBfloat16, toFloat16 } from '../support/half.ts'
import type { Options } from '../support/losses.ts'
import { Random } from '../support/random.ts'
import { missing } from './devices.ts'
import { expectBits } from './expect-bits.ts'
import { type HostTensor, here, type Numbers, numberOf, numbersOf, there, uploadOptions } from './loose.ts'

/** Around the sizes of vectors, warps, blocks and grids. */
const SAMPLES = [1, 2, 15, 33, 257, 1030]
/** Of losses over elements, whose blocks take up to 2048 at a time: whole steps of several blocks, and a rest. */
const ELEMENTS = 5001
const TYPES = ['float32', 'float64', 'float16', 'bfloat16'] as const
type Type = (typeof TYPES)[number]

let compared = 0

/** The inputs of a batch in a type; targets in halves too where they are floats. */
function store({ inputs, options }: Batch, type: Type): { inputs: HostTensor[]; options: Options } {
  if (type === 'float32' || type === 'float64') return { inputs: [...inputs], options }
  const to = type === 'float16' ? toFloat16 : toBfloat16
  return {
    inputs: inputs.map(({ data, shape }) =>
      isFloats(data) ? { data: Uint16Array.from(data, to), shape, dtype: type } : { data, shape },
    ),
    options: Object.fromEntries(
      Object.entries(options).map(([name, value]) =>
        name === 'bias'
          ? [
              name,
              {
                data: Uint16Array.from(value as Float32Array, to),
                shape: [(value as Float32Array).length],
                dtype: type,
              },
            ]
          : [name, value],
      ),
    ),
  }
}

function expectSameBits(found: Numbers, expected: Numbers, what: string): void {
  compared++
  expectBits(found, expected, what)
}

const isOverElements = (entry: EveryLoss) =>
  entry.batch(new Random(2), 2, 'float32').inputs.every(({ shape }) => shape.length === 1 && shape[0] === 2)

const FACTORS = ['weight', 'posWeight']

/** The forms of a call whose results are compared; each is given the options that it adds. */
const FORMS: readonly { readonly name: string; readonly options: Options }[] = [
  { name: 'the mean', options: {} },
  { name: 'the sum, under an incoming gradient', options: { reduction: 'sum', upstream: -1.5 } },
  { name: 'a mean with a divisor', options: { divisor: 7 } },
]

async function compare(entry: EveryLoss, batch: Batch, type: Type): Promise<void> {
  const gpu = cuda.device(0)
  const { loss } = entry
  const { inputs, options } = store(batch, type)
  const tensors = inputs.map(input => gpu.upload(input))
  const uploaded = uploadOptions(gpu, options, FACTORS)
  const has = Object.keys(entry.places).length > 0
  for (const { name, options: more } of FORMS) {
    const { name: title } = entry
    const value = await numberOf(there(loss)(...tensors, { ...uploaded, ...more }))
    const expected = here(loss)(...inputs, { ...options, ...more })
    expectSameBits(Float64Array.of(value), Float64Array.of(expected), `${title}: ${name}`)
    if (!has) continue
    const both = there(loss).valueAndGrad(...tensors, { ...uploaded, ...more })
    const gradients = here(loss).grad(...inputs, { ...options, ...more })
    const beside = await numberOf(both.value)
    expectSameBits(Float64Array.of(beside), Float64Array.of(expected), `${title}: ${name} with gradients`)
    for (const key of Object.keys(entry.places)) {
      const found = await numbersOf(both.grad[key])
      expectSameBits(found, gradients[key] as Numbers, `${title}: ${name}, gradient of ${key}`)
    }
  }
  await compareEach(entry, inputs, options, tensors, uploaded)
}

/** Every value, with an incoming gradient for each, and the gradient over its input where that may be. */
async function compareEach(
  entry: EveryLoss,
  inputs: readonly HostTensor[],
  options: Options,
  tensors: readonly DeviceTensor[],
  uploaded: Options,
): Promise<void> {
  const { loss, name, places, inPlace } = entry
  const none = { reduction: 'none' }
  const values = here(loss)(...inputs, { ...options, ...none }) as unknown as Float32Array
  const found = await numbersOf(there(loss)(...tensors, { ...uploaded, ...none }))
  expectSameBits(found, values, `${name}: each value`)
  if (Object.keys(places).length === 0) return
  const gpu = cuda.device(0)
  const upstream = values.map((_, i) => (i % 7) - 3)
  const weights = entry.weighs ? { weight: values.map((_, i) => (i % 5) / 4) } : {}
  const expected = here(loss).grad(...inputs, { ...options, ...weights, ...none, upstream })
  const over = Object.entries(places).filter(
    (place): place is [string, number] => inPlace && typeof place[1] === 'number',
  )
  const { grad } = there(loss).valueAndGrad(...tensors, {
    ...uploaded,
    ...uploadOptions(gpu, weights, []),
    ...none,
    upstream: gpu.upload(upstream),
    out: Object.fromEntries(over.map(([key, position]) => [key, tensors[position]])),
  })
  for (const key of Object.keys(places)) {
    const gradient = await numbersOf(grad[key])
    expectSameBits(gradient, expected[key] as Numbers, `${name}: each gradient of ${key}`)
  }
}

describe.skipIf(missing !== undefined)('the bits of a device are those of the processor', () => {
  describe.each(EVERY_LOSS)('in $name', entry => {
    it.each(TYPES)('of %s', async type => {
      for (const samples of isOverElements(entry) ? [...SAMPLES, ELEMENTS] : SAMPLES) {
        if (samples > entry.atMost) continue
        const batch = entry.batch(new Random(samples), samples, type === 'float64' ? 'float64' : 'float32')
        await compare(entry, batch, type)
      }
    })
  })

  it('where a temperature is so low that scores are infinite', async () => {
    const gpu = cuda.device(0)
    const x = { data: Float64Array.of(1, 2, 2, 1, -1, 3, 1, 2), shape: [4, 2] }
    const y = { data: Float64Array.of(1, 2, -2, -1, -1, -3, 1, -2), shape: [4, 2] }
    const labels = { data: Int32Array.of(1, 2, 1, 1), shape: [4] }
    const options = { temperature: 1e-310, reduction: 'none' }
    for (const [loss, first, second] of [
      [infoNce, x, y],
      [ntXent, y, labels],
      [supCon, x, labels],
      [supCon, y, labels],
    ] as const) {
      const expected = here(loss as never).valueAndGrad(first, second, options)
      const tensors = [gpu.upload(first), gpu.upload(second)]
      const { value, grad } = there(loss as never).valueAndGrad(...tensors, options)
      expectSameBits(await numbersOf(value), expected.value as Numbers, loss.name)
      for (const [key, gradient] of Object.entries(grad)) {
        expectSameBits(await numbersOf(gradient), expected.grad[key] as Numbers, `${loss.name}: ${key}`)
      }
    }
  })

  it('where logits are infinite, with weights and smoothed labels', async () => {
    const gpu = cuda.device(0)
    const input = { data: Float64Array.of(1, 2, -1, 3, Number.NaN, 1), shape: [3, 2] }
    const linearWeight = { data: Float64Array.of(1, 2, -2, -1, 1e300, 3), shape: [3, 2] }
    const target = { data: Int32Array.of(1, 2, -100), shape: [3] }
    const { POSITIVE_INFINITY: over, NEGATIVE_INFINITY: under } = Number
    for (const bias of [
      [over, over, 0],
      [under, over, 1],
      [under, under, under],
    ]) {
      const given = {
        bias: Float64Array.from(bias),
        weight: Float64Array.of(0.1, 0.7, 0.3),
        labelSmoothing: 0.25,
      }
      const options = { ...given, reduction: 'none' }
      const expected = here(linearCrossEntropy).valueAndGrad(input, linearWeight, target, options)
      const tensors = [input, linearWeight, target].map(tensor => gpu.upload(tensor))
      const { value, grad } = there(linearCrossEntropy).valueAndGrad(
        ...tensors,
        uploadOptions(gpu, options, []),
      )
      expectSameBits(await numbersOf(value), expected.value as Numbers, `bias ${bias}`)
      for (const [key, gradient] of Object.entries(grad)) {
        expectSameBits(await numbersOf(gradient), expected.grad[key] as Numbers, `bias ${bias}: ${key}`)
      }
    }
  })

  it('where a side has no rows, of which the gradient of the other is zero', async () => {
    const gpu = cuda.device(0)
    const [none, some] = [
      { data: new Float32Array(0), shape: [0, 2] },
      { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] },
    ]
    const labels = { data: new Int32Array(0), shape: [0] }
    for (const [loss, inputs, options] of [
      [infoNce, [none, some], {}],
      [linearCrossEntropy, [none, some, labels], { bias: Float32Array.of(1, 2) }],
    ] as const) {
      const expected = here(loss).valueAndGrad(...inputs, options)
      const tensors = inputs.map(tensor => gpu.upload(tensor))
      const { value, grad } = there(loss).valueAndGrad(...tensors, uploadOptions(gpu, options, []))
      expect(await numberOf(value)).toBe(expected.value)
      for (const [key, gradient] of Object.entries(grad)) {
        expectSameBits(await numbersOf(gradient), expected.grad[key] as Numbers, `${loss.name}: ${key}`)
      }
    }
  })

  it('of many losses, types and forms', () => expect(compared).toBeGreaterThan(1000))
})
