/** linearCrossEntropy against crossEntropy of logits written out in float64. */

import { describe, expect, it } from 'vitest'
import { crossEntropy, linearCrossEntropy } from '../../lib/index.ts'
import { rejected, told } from '../lib/thrown.ts'
import { expectAllSame, expectAllUlps } from '../support/expect.ts'
import { FLOATS, held } from '../support/floats.ts'
import { fromBfloat16, toBfloat16 } from '../support/half.ts'
import { Random } from '../support/random.ts'
import {
  dot,
  expectOneResult,
  expectSlopes,
  type Floats,
  floats,
  normals,
  type Rows,
  stored,
} from '../support/vectors.ts'

interface Layer {
  readonly input: Rows
  readonly classes: Rows
  readonly bias: readonly number[]
}

const logitsOf = ({ input, classes, bias }: Layer): number[][] =>
  input.map(x => classes.map((w, c) => dot(x, w) + (bias[c] ?? 0)))

describe.each(FLOATS)('linearCrossEntropy in %s', type => {
  const random = new Random(17)
  const [rows, columns, count] = [37, 19, 53]
  const input = stored(type, normals(random, rows, columns))
  const classes = stored(type, normals(random, count, columns))
  const bias = held(
    type,
    random.list(count, () => random.normal()),
  )
  const weight = held(
    type,
    random.list(count, () => 0.25 + random.uniform()),
  )
  const target = Int32Array.from({ length: rows }, () =>
    random.integer(6) === 0 ? -100 : random.integer(count),
  )
  const layer: Layer = { input: input.rows, classes: classes.rows, bias }
  const logits = { data: new Float64Array(logitsOf(layer).flat()), shape: [rows, count] }
  const given = [input.tensor, classes.tensor, target] as const

  it.each([0, 0.1, 1])('is the cross-entropy of the logits, with smoothing %f', labelSmoothing => {
    const options = { labelSmoothing, reduction: 'none' } as const
    const values = linearCrossEntropy(...given, {
      ...options,
      bias: floats(type, bias),
      weight: floats(type, weight),
    })
    const truth = crossEntropy(logits, target, { ...options, weight: Float64Array.from(weight) })
    expectAllUlps(values, truth, type, type === 'float32' ? 1 : 400)
  })

  it('divides the mean by the weights of the labels', () => {
    const options = { bias: floats(type, bias), weight: floats(type, weight) }
    const value = linearCrossEntropy(...given, options)
    expect(value).toBeCloseTo(crossEntropy(logits, target, { weight: Float64Array.from(weight) }), 6)
    expect(linearCrossEntropy(...given)).toBeCloseTo(
      crossEntropy(
        { data: new Float64Array(logitsOf({ ...layer, bias: [] }).flat()), shape: [rows, count] },
        target,
      ),
      6,
    )
    const accumulator = linearCrossEntropy.accumulator(options)
    for (const [from, to] of [
      [0, 5],
      [5, 37],
    ] as const) {
      const part = {
        data: input.tensor.data.slice(from * columns, to * columns),
        shape: [to - from, columns],
      }
      accumulator.update(part, classes.tensor, target.slice(from, to))
    }
    expect(accumulator.value).toBe(value)
    const restored = linearCrossEntropy.accumulator.fromBytes(accumulator.toBytes())
    expect(restored.value).toBe(value)
    expect(told(() => restored.update(...given))).toMatch(/give weight and bias to fromBytes/)
    const other = { ...options, bias: floats(type, weight) }
    expect(told(() => linearCrossEntropy.accumulator.fromBytes(accumulator.toBytes(), other))).toMatch(
      /bias is one tensor/,
    )
  })

  it.each([0, 0.2])(
    'has the gradients of the logits, through the layer, with smoothing %f',
    labelSmoothing => {
      const options = { labelSmoothing, weight: floats(type, weight), bias: floats(type, bias) }
      const { grad } = linearCrossEntropy.valueAndGrad(...given, options)
      const through = crossEntropy.grad(logits, target, {
        labelSmoothing,
        weight: Float64Array.from(weight),
      }).logits
      const slope = (i: number, c: number) => through[i * count + c] as number
      const byInput = input.rows.flatMap((x, i) =>
        x.map((_, k) => classes.rows.reduce((sum, w, c) => sum + slope(i, c) * (w[k] as number), 0)),
      )
      const byClass = classes.rows.flatMap((w, c) =>
        w.map((_, k) => input.rows.reduce((sum, x, i) => sum + slope(i, c) * (x[k] as number), 0)),
      )
      const byBias = bias.map((_, c) => input.rows.reduce((sum, _, i) => sum + slope(i, c), 0))
      expectSlopes(grad.input, byInput, type, 'input')
      expectSlopes(grad.linearWeight, byClass, type, 'linearWeight')
      expectSlopes(grad.bias as Floats, byBias, type, 'bias')
    },
  )

  it('has no gradient of a bias that is not there', () => {
    expect(Object.keys(linearCrossEntropy.grad(...given))).toEqual(['input', 'linearWeight'])
  })

  it('gives ignored rows value 0 and gradient 0, whatever they hold', () => {
    const data = floats(type, [1, 2, Number.NaN, Number.POSITIVE_INFINITY])
    const two = { data: floats(type, [1, 0, 0, 1]), shape: [2, 2] }
    const { value, grad } = linearCrossEntropy.valueAndGrad({ data, shape: [2, 2] }, two, [1, -100], {
      reduction: 'none',
      bias: floats(type, [0, 0]),
    })
    const alone = linearCrossEntropy.valueAndGrad({ data: data.slice(0, 2), shape: [1, 2] }, two, [1], {
      reduction: 'none',
      bias: floats(type, [0, 0]),
    })
    expectAllSame(value, [alone.value[0] as number, 0])
    expectAllSame(grad.input, [...alone.grad.input, 0, 0])
    expectAllSame(grad.linearWeight, alone.grad.linearWeight)
    expectAllSame(grad.bias as Floats, alone.grad.bias as Floats)
  })

  it('of ignored rows only is NaN, with gradient 0', () => {
    const ignored = new Int32Array(rows).fill(-100)
    expect(linearCrossEntropy(input.tensor, classes.tensor, ignored)).toBeNaN()
    expect(linearCrossEntropy(input.tensor, classes.tensor, ignored, { onEmpty: 'zero' })).toBe(0)
    const grad = linearCrossEntropy.grad(input.tensor, classes.tensor, ignored)
    expectAllSame(grad.input, new Float64Array(rows * columns))
    expectAllSame(grad.linearWeight, new Float64Array(count * columns))
  })

  it('keeps the digits of confident rows', () => {
    const x = { data: floats(type, [40]), shape: [1, 1] }
    const w = { data: floats(type, [1, 0.25]), shape: [2, 1] }
    const { value, grad } = linearCrossEntropy.valueAndGrad(x, w, [0], { reduction: 'none' })
    expectAllUlps(value, [Math.log1p(Math.exp(-30))], type, 4)
    expectAllUlps(
      grad.linearWeight,
      [-40, 40].map(k => k / (1 + Math.exp(30))),
      type,
      4,
    )
  })

  it('is the same everywhere, over several strips of classes', () => {
    const narrow = stored(type, normals(random, 5, 3)).tensor
    const many = stored(type, normals(random, 9001, 3)).tensor
    const labels = Int32Array.of(0, 9000, 4096, 4095, -100)
    const dense = stored(type, normals(random, 150, 140)).tensor
    const wide = stored(type, normals(random, 300, 140)).tensor
    const denseLabels = Int32Array.from({ length: 150 }, (_, i) => 2 * i)
    expectOneResult(() =>
      (
        [
          [narrow, many, labels],
          [dense, wide, denseLabels],
        ] as const
      ).flatMap(([x, w, y]) => {
        const options = {
          reduction: 'none',
          labelSmoothing: 0.1,
          bias: floats(type, new Float64Array(w.shape[0] as number).fill(0.5)),
        } as const
        const { value, grad } = linearCrossEntropy.valueAndGrad(x, w, y, options)
        return [value, grad.input, grad.linearWeight, grad.bias as Floats]
      }),
    )
  })
})

describe('linearCrossEntropy', () => {
  const rows = (n: number, d: number) => ({ data: new Float32Array(n * d), shape: [n, d] })

  it('refuses labels that name no class, wherever they stand', async () => {
    const message =
      'linearCrossEntropy: target[1] is 3. A class label must be from 0 to 2, or ignoreIndex, which is -100.'
    expect(told(() => linearCrossEntropy(rows(2, 4), rows(3, 4), [0, 3]))).toBe(`ERR_LABEL: ${message}`)
    expect(told(() => linearCrossEntropy.grad(rows(2, 4), rows(3, 4), [0, 3]))).toBe(`ERR_LABEL: ${message}`)
    const error = await rejected(linearCrossEntropy.async(rows(2, 4), rows(3, 4), [0, 3]))
    expect(error.message).toBe(message)
    expect(told(() => linearCrossEntropy(rows(1, 4), rows(3, 4), [-1]))).toMatch(/^ERR_LABEL/)
    expect(linearCrossEntropy(rows(2, 4), rows(3, 4), [0, 7], { ignoreIndex: 7 })).toBeCloseTo(Math.log(3), 6)
  })

  it('knows sizes that do not fit', () => {
    const call = (options: object) => () => linearCrossEntropy(rows(2, 4), rows(3, 4), [0, 1], options)
    expect(told(call({ bias: new Float32Array(2) }))).toMatch(
      /^ERR_SHAPE: .*bias has 2 elements.*each of 3 classes/,
    )
    expect(told(call({ weight: new Float32Array(4) }))).toMatch(
      /^ERR_SHAPE: .*weight has 4 elements.*each of 3 classes/,
    )
    expect(told(call({ bias: 1 }))).toMatch(/^ERR_DTYPE/)
    expect(told(call({ labelSmoothing: 2 }))).toMatch(/^ERR_OPTION/)
    expect(told(() => linearCrossEntropy(rows(2, 4), rows(3, 5), [0, 1]))).toMatch(
      /^ERR_SHAPE: .*same length/,
    )
    expect(told(() => linearCrossEntropy(rows(2, 4), rows(3, 4), [0]))).toMatch(
      /^ERR_SHAPE: .*one label for each of 2 rows/,
    )
    expect(told(() => linearCrossEntropy(rows(2, 4), rows(3, 4), new Float32Array(2) as never))).toMatch(
      /^ERR_DTYPE/,
    )
    const half = { data: new Uint16Array(12), dtype: 'bfloat16', shape: [3, 4] } as const
    expect(told(() => linearCrossEntropy(rows(2, 4), half as never, [0, 1]))).toMatch(
      /^ERR_DTYPE: .*linearWeight is bfloat16/,
    )
  })

  it('gives a row the same value among few rows, whose classes threads share, as among many', () => {
    const random = new Random(29)
    const [count, classes] = [4100, 4200]
    const x = stored('float32', normals(random, count, 1)).tensor
    const w = stored('float32', normals(random, classes, 1)).tensor
    const target = Int32Array.from({ length: count }, () => random.integer(classes))
    const all = linearCrossEntropy(x, w, target, { reduction: 'none' })
    const few = { data: x.data.slice(-40), shape: [40, 1] }
    expectAllSame(linearCrossEntropy(few, w, target.slice(-40), { reduction: 'none' }), all.slice(-40))
  })

  it('computes half precision as the float32 numbers that it holds', () => {
    const random = new Random(23)
    const bits = (n: number) => Uint16Array.from({ length: n }, () => toBfloat16(random.normal()))
    const [x, w, b] = [bits(24), bits(40), bits(5)]
    const wide = (data: Uint16Array) => Float32Array.from(data, fromBfloat16)
    const half = <const S extends number[]>(data: Uint16Array, ...shape: S) =>
      ({ data, dtype: 'bfloat16', shape }) as const
    const a = linearCrossEntropy.valueAndGrad(half(x, 3, 8), half(w, 5, 8), [0, 4, 2], { bias: half(b, 5) })
    const c = linearCrossEntropy.valueAndGrad(
      { data: wide(x), shape: [3, 8] },
      { data: wide(w), shape: [5, 8] },
      [0, 4, 2],
      { bias: wide(b) },
    )
    expect(a.value).toBe(c.value)
    for (const name of ['input', 'linearWeight', 'bias'] as const) {
      expectAllSame(
        a.grad[name] as Uint16Array,
        Uint16Array.from(c.grad[name] as Float32Array, toBfloat16),
        name,
      )
    }
  })

  it('of no rows is nothing, and its classes have gradient 0', () => {
    expect(linearCrossEntropy(rows(0, 4), rows(3, 4), new Int32Array(0))).toBeNaN()
    const grad = linearCrossEntropy.grad(rows(0, 4), rows(3, 4), new Int32Array(0), { reduction: 'sum' })
    expectAllSame(grad.linearWeight, new Float32Array(12))
  })
})
