/**
 * `rmse` on a device: how steep its root is is known only with its value, which never leaves the device on the way to the
 * gradient. `npm run test:cuda` runs this on a GPU.
 */

import { describe, expect, it } from 'vitest'
import { cuda, rmse } from '../../lib/index.ts'
import { toBfloat16, toFloat16 } from '../support/half.ts'
import { anyFloat32, anyFloat64, Random } from '../support/random.ts'
import { missing } from './devices.ts'
import { expectBits } from './expect-bits.ts'
import { type HostTensor, here, numberOf, numbersOf, there, uploadOptions } from './loose.ts'

const SIZES = [1, 2, 33, 1030, 5000]

type Type = 'float32' | 'float64' | 'float16' | 'bfloat16'

function tensor(type: Type, numbers: readonly number[]): HostTensor {
  const shape = [numbers.length]
  if (type === 'float32') return { data: Float32Array.from(numbers), shape }
  if (type === 'float64') return { data: Float64Array.from(numbers), shape }
  const data = Uint16Array.from(numbers, type === 'float16' ? toFloat16 : toBfloat16)
  return { data, shape, dtype: type }
}

/** Value and gradient of predictions and targets, there and here. */
async function compare(pred: HostTensor, target: HostTensor, options: object, what: string): Promise<void> {
  const gpu = cuda.device(0)
  const tensors = [gpu.upload(pred), gpu.upload(target)]
  const uploaded = uploadOptions(gpu, options as Record<string, unknown>, ['weight'])
  const { value, grad } = there(rmse).valueAndGrad(...tensors, uploaded)
  const expected = here(rmse).valueAndGrad(pred, target, options)
  const number = await numberOf(value)
  expectBits(Float64Array.of(number), Float64Array.of(expected.value as number), `${what}: value`)
  for (const [form, gradient] of [
    ['with the value', grad.pred],
    ['alone', there(rmse).grad(...tensors, uploaded).pred],
    ['over its input', there(rmse).grad(...tensors, { ...uploaded, out: { pred: tensors[0] } }).pred],
  ] as const) {
    const found = await numbersOf(gradient)
    expectBits(found, expected.grad.pred as Float32Array, `${what}: gradient ${form}`)
  }
}

describe.skipIf(missing !== undefined)('the gradient of a root of the mean', () => {
  it.each<Type>(['float32', 'float64', 'float16', 'bfloat16'])(
    'of %s has the bits of the processor',
    async type => {
      for (const size of SIZES) {
        const random = new Random(size)
        const [pred, target, weight] = [0, 1, 2].map(() => random.list(size, () => random.normal())) as [
          number[],
          number[],
          number[],
        ]
        const weights = Float32Array.from(weight, Math.abs)
        for (const [i, options] of [
          {},
          { upstream: -1.7 },
          { divisor: 7, upstream: 3 },
          { weight: weights },
        ].entries()) {
          await compare(tensor(type, pred), tensor(type, target), options, `${size} elements, options ${i}`)
        }
      }
    },
  )

  it('of any numbers there are has them too', async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = new Random(seed)
      const size = 1 + random.integer(40)
      const any = (of: (random: Random) => number) => random.list(size, () => of(random))
      await compare(
        tensor('float32', any(anyFloat32)),
        tensor('float32', any(anyFloat32)),
        {},
        `float32, seed ${seed}`,
      )
      // Of one magnitude, so that squares are numbers: tiny ones, huge ones, and those between.
      const unit = 2 ** (random.integer(900) - 500)
      const scaled = (x: Random) => x.normal() * unit
      await compare(
        tensor('float64', any(scaled)),
        tensor('float64', any(scaled)),
        { divisor: 1 + random.integer(1000) / 7 },
        `float64, seed ${seed}`,
      )
      await compare(
        tensor('float64', any(anyFloat64)),
        tensor('float64', any(anyFloat64)),
        {},
        `any float64, seed ${seed}`,
      )
    }
  })

  it('is 0 where there is no error, and NaN where there is no number', async () => {
    const gpu = cuda.device(0)
    const same = gpu.upload([3, 4])
    expect(await rmse.grad(same, same).pred.read()).toEqual(Float32Array.of(0, 0))
    for (const pred of [
      [3, Number.NaN],
      [3, Number.POSITIVE_INFINITY],
    ]) {
      await compare(tensor('float32', pred), tensor('float32', [3, 4]), {}, String(pred))
    }
    const empty = gpu.upload(new Float32Array(0))
    const { value, grad } = rmse.valueAndGrad(empty, empty)
    expect([await value.read(), await grad.pred.read()]).toEqual([Number.NaN, new Float32Array(0)])
  })
})
