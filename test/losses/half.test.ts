/** float16 and bfloat16: the float32 computation on the widened inputs, the gradient rounded once. */

import { describe, expect, it } from 'vitest'
import { descriptionOf } from '../../lib/description.ts'
import { everyOf, gradOf, reduced, valuesOf } from '../support/calls.ts'
import { type Batch, EVERY_LOSS, type EveryLoss } from '../support/every-loss/index.ts'
import { inputKeys, isFloats } from '../support/every-loss/tensors.ts'
import { expectAllSame, expectSame } from '../support/expect.ts'
import { type Floats, floats } from '../support/floats.ts'
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from '../support/half.ts'
import { crossEntropy, mse } from '../support/losses.ts'
import { Random } from '../support/random.ts'

const FORMATS = [
  { dtype: 'float16', to: toFloat16, from: fromFloat16 },
  { dtype: 'bfloat16', to: toBfloat16, from: fromBfloat16 },
] as const

describe.each(FORMATS)('$dtype', ({ dtype, to, from }) => {
  const store = (values: ArrayLike<number>) => Uint16Array.from(values, to)
  const widen = (bits: Uint16Array) => Float32Array.from(bits, from)

  /** The inputs at these positions in this format, and the same numbers in float32; and so the options that have gradients. */
  function bothTypes({ places }: EveryLoss, { inputs, options }: Batch, positions: readonly number[]) {
    const own = Object.entries(options).filter(([name]) => Object.values(places).includes(name))
    const bits = own.map(([name, data]) => [name, store(data as Float32Array)] as const)
    return {
      half: {
        inputs: inputs.map(({ data, shape }, k) =>
          positions.includes(k) ? { data: store(data), dtype, shape } : { data, shape },
        ),
        options: {
          ...options,
          ...Object.fromEntries(bits.map(([name, data]) => [name, { data, dtype, shape: [data.length] }])),
        },
      },
      wide: {
        inputs: inputs.map(({ data, shape }, k) => ({
          data: positions.includes(k) ? widen(store(data)) : data,
          shape,
        })),
        options: { ...options, ...Object.fromEntries(bits.map(([name, data]) => [name, widen(data)])) },
      },
    }
  }

  describe.each(EVERY_LOSS)('in $name', entry => {
    const { loss, places, atMost, batch } = entry
    const made = batch(new Random(16), Math.min(300, atMost), 'float32')
    const leading = [0, ...inputKeys(entry).map(({ position }) => position)]
    const { half, wide } = bothTypes(entry, made, leading)

    it('gives the values of the float32 computation on what is stored', () => {
      const values = valuesOf(loss, half.inputs, half.options)
      expect(values).toBeInstanceOf(Float32Array)
      expectAllSame(values, valuesOf(loss, wide.inputs, wide.options))
      expectSame(reduced(loss, half.inputs, half.options), reduced(loss, wide.inputs, wide.options))
    })

    it.runIf(Object.keys(places).length > 0)(
      'gives the float32 gradients, rounded once to what is stored',
      () => {
        for (const more of [{}, { reduction: 'sum', upstream: 1.5 }]) {
          const gradients = gradOf(loss, half.inputs, { ...half.options, ...more })
          const expected = gradOf(loss, wide.inputs, { ...wide.options, ...more })
          for (const key of Object.keys(places)) {
            const bits = gradients[key] as unknown as Uint16Array
            expect(bits).toBeInstanceOf(Uint16Array)
            expectAllSame(widen(bits), widen(store(expected[key] as Floats)), key)
          }
        }
      },
    )

    const others = made.inputs.flatMap(({ data }, k) => (isFloats(data) && !leading.includes(k) ? [k] : []))
    it.runIf(others.length > 0)('takes inputs without a gradient that are stored so too', () => {
      const all = bothTypes(entry, made, [...leading, ...others])
      expectAllSame(
        valuesOf(loss, all.half.inputs, all.half.options),
        valuesOf(loss, all.wide.inputs, all.wide.options),
      )
    })

    // Blocks of 2048 elements are computed where they lie if all inputs are stored alike; the last goes another way.
    const isElements = descriptionOf(loss)?.walks === 'elements'
    it.runIf(isElements)('gives both in one pass, in whole blocks as in the last', () => {
      const many = bothTypes(entry, batch(new Random(17), 5000, 'float32'), [...leading, ...others])
      const both = everyOf(loss, many.half.inputs, many.half.options)
      const expected = everyOf(loss, many.wide.inputs, many.wide.options)
      expectAllSame(both.value, expected.value)
      expectSame(
        reduced(loss, many.half.inputs, many.half.options),
        reduced(loss, many.wide.inputs, many.wide.options),
      )
      for (const key of Object.keys(places)) {
        const bits = both.grad[key] as unknown as Uint16Array
        expectAllSame(widen(bits), widen(store(expected.grad[key] as Floats)), key)
      }
    })
  })

  // Inputs that are all stored so are widened in registers, others in memory.
  const all = Uint16Array.from({ length: 0x10000 }, (_, bits) => bits)
  const zeros = [
    ['float32', new Float32Array(0x10000)],
    [dtype, { data: new Uint16Array(0x10000), dtype, shape: [0x10000] }],
  ] as const

  it.each(zeros)('reads every number of the format, beside %s', (_, zero) => {
    const values = mse({ data: all, dtype, shape: [0x10000] }, zero, { reduction: 'none' })
    expectAllSame(
      values,
      Float32Array.from(widen(all), x => Math.fround(x * x)),
    )
  })

  it.each(zeros)(
    'writes every number of the format beside %s, and rounds what lies between to nearest even',
    (_, zero) => {
      // The gradient of the sum of (x - 0)² is 2x: upstream ½ gives x back, upstream ½ + 2^-13 numbers in between.
      for (const upstream of [0.5, 0.5 + 2 ** -13, 0.5 + 2 ** -12, 0.75, 2 ** -9, -3, 2 ** -20]) {
        const options = { reduction: 'sum', upstream } as const
        const { pred } = mse.grad({ data: all, dtype, shape: [0x10000] }, zero, options)
        const wide = mse.grad(widen(all), new Float32Array(0x10000), options).pred
        expectAllSame(widen(pred as unknown as Uint16Array), widen(store(wide)))
      }
    },
  )

  it('is refined by a float32 target, which is not rounded', () => {
    const pred = { data: store([1]), dtype, shape: [1] }
    expectSame(mse(pred, floats('float32', [1 + 2 ** -20])), 2 ** -40)
  })

  it('may be overwritten by its gradient', () => {
    const data = store([1, 2, 3, -1, 0, 1])
    const logits = { data, dtype, shape: [2, 3] }
    const labels = Int32Array.of(2, 0)
    const expected = crossEntropy.grad(logits, labels).logits as unknown as Uint16Array
    const { grad } = crossEntropy.valueAndGrad(logits, labels, { out: { logits: data } })
    expect(grad.logits).toBe(data)
    expectAllSame(data, expected)
  })

  it('of any length and alignment has the same bits', () => {
    for (const length of [1, 7, 8, 9, 15, 16, 17, 31, 33, 2047, 2049]) {
      const random = new Random(length)
      const bits = store(random.list(length, () => random.normal()))
      const target = floats(
        'float32',
        random.list(length, () => random.normal()),
      )
      const moved = new Uint16Array(new ArrayBuffer(2 * length + 2), 2, length)
      moved.set(bits)
      const wide = mse.grad(widen(bits), target, { reduction: 'sum' }).pred
      for (const data of [bits, moved]) {
        const { pred } = mse.grad({ data, dtype, shape: [length] }, target, { reduction: 'sum' })
        expectAllSame(pred as unknown as Uint16Array, store(wide))
      }
    }
  })
})

describe('optax#1020', () => {
  it('bfloat16 logits do not give a quantised loss', () => {
    const random = new Random(1020)
    const logits = Uint16Array.from(random.list(100, () => toBfloat16(2 * random.normal())))
    const wide = Float32Array.from(logits, fromBfloat16)
    const label = Int32Array.of(42)
    expectSame(
      crossEntropy({ data: logits, dtype: 'bfloat16', shape: [1, 100] }, label),
      crossEntropy({ data: wide, shape: [1, 100] }, label),
    )
  })
})
