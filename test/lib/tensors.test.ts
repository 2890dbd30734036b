import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { crossEntropy, mse, nll, type Tensor } from '../../lib/index.ts'
import { told } from './thrown.ts'

/** Of [1, 2, 3, 4] against ones: (0 + 1 + 4 + 9) / 4. */
const MSE = 3.5
const ones = Float32Array.of(1, 1, 1, 1)
const loose = mse as (pred: unknown, target: unknown, options?: object) => number

describe('a tensor may be', () => {
  const halves = { float16: [0x3c00, 0x4000, 0x4200, 0x4400], bfloat16: [0x3f80, 0x4000, 0x4040, 0x4080] }
  const data = Float32Array.of(1, 2, 3, 4)

  it.each<[string, Tensor]>([
    ['a Float32Array', data],
    ['a Float64Array', Float64Array.of(1, 2, 3, 4)],
    ['a part of a larger buffer', new Float32Array(Float32Array.of(9, 1, 2, 3, 4, 9).buffer, 4, 4)],
    ['shared memory', new Float32Array(new SharedArrayBuffer(16))],
    ['an array of numbers', [1, 2, 3, 4]],
    [
      'an array of rows',
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ['data with a shape', { data, shape: [2, 2] }],
    ['data with dims and a type, as in ONNX Runtime', { data, dims: [2, 2], type: 'float32' }],
    ['data with a shape in a typed array', { data, shape: Int32Array.of(2, 2) as unknown as number[] }],
    ['data without a shape', { data }],
    [
      'data with the strides of a dense tensor',
      { data, shape: [2, 2], strides: [2, 1], offset: 0 } as Tensor,
    ],
    ['float16', { data: Uint16Array.from(halves.float16), dtype: 'float16', shape: [4] }],
    ['bfloat16', { data: Uint16Array.from(halves.bfloat16), dtype: 'bfloat16', shape: [4] }],
    ['an array of another realm', runInNewContext('new Float32Array([1, 2, 3, 4])')],
    ['an array of a subclass', new (class Mine extends Float32Array {})([1, 2, 3, 4])],
  ])('%s', (_, pred) => {
    if (pred instanceof Float32Array && pred.buffer instanceof SharedArrayBuffer) pred.set(data)
    expect(loose(pred, ones.map(Number))).toBe(MSE)
    expect(loose(pred, [1, 1, 1, 1])).toBe(MSE)
  })

  it.each([Int8Array, Uint8Array, Int16Array, Uint16Array, Int32Array, Uint32Array])(
    'a target in %o',
    Class => {
      expect(mse(Float32Array.of(1, 2, 3, 4), Class.of(1, 1, 1, 1))).toBe(MSE)
    },
  )

  it('a target in a BigInt64Array, a Buffer, or called bool', () => {
    expect(mse([1, 2, 3, 4], BigInt64Array.of(1n, 1n, 1n, 1n))).toBe(MSE)
    expect(mse([1, 2, 3, 4], Buffer.from([1, 1, 1, 1]))).toBe(MSE)
    expect(mse([1, 2, 3, 4], { data: Uint8Array.of(1, 1, 1, 1), dims: [4], type: 'bool' })).toBe(MSE)
  })
})

describe('the type of the arithmetic is', () => {
  const third = 1 / 3
  const third32 = Math.fround(third)

  it('float64 for plain numbers', () => {
    expect(mse([third], [0])).toBe(third * third)
    expect(mse([third], Int32Array.of(0), { reduction: 'none' })).toEqual(Float64Array.of(third * third))
  })

  it('float32 for plain numbers beside a narrower tensor', () => {
    const value = Math.fround(third32 * third32)
    expect(mse([third], Float32Array.of(0), { reduction: 'none' })).toEqual(Float32Array.of(value))
    expect(mse(Float32Array.of(third), [0], { reduction: 'none' })).toEqual(Float32Array.of(value))
    expect(mse([third], { data: Uint16Array.of(0), dtype: 'float16' }, { reduction: 'none' })).toEqual(
      Float32Array.of(value),
    )
    expect(mse.grad([third], Float32Array.of(0)).pred).toEqual(Float32Array.of(2 * third32))
  })

  it('float64 for float64 predictions, whatever the target is', () => {
    expect(mse(Float64Array.of(third), Float32Array.of(0))).toBe(third * third)
    expect(mse(Float64Array.of(third), { data: Uint16Array.of(0), dtype: 'bfloat16' })).toBe(third * third)
  })

  it('float32 for half precision, with values in float32 and the gradient in the type of the predictions', () => {
    const pred = { data: Uint16Array.of(0x3c00), dtype: 'float16', shape: [1] } as const
    expect(mse(pred, [third], { reduction: 'none' })).toBeInstanceOf(Float32Array)
    // 2 (1 - 0) = 2, which is 0x4000 in float16.
    expect(mse.grad(pred, [0]).pred).toEqual(Uint16Array.of(0x4000))
  })
})

describe('what is refused', () => {
  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'mse: pred is undefined. It must be a typed array'],
    ['null', null, 'mse: pred is null.'],
    ['a number', 1, 'mse: pred is 1.'],
    ['text', 'data', "mse: pred is 'data'."],
    ['a DataView', new DataView(new ArrayBuffer(16)), 'mse: pred is a DataView.'],
    ['a promise', Promise.resolve(ones), 'mse: pred is an object. It must be'],
    ['whole numbers as predictions', Int32Array.of(1, 2, 3, 4), 'mse: pred is int32. It must be float32'],
    ['unsigned numbers of 64 bits', new BigUint64Array(4), 'mse: pred is a BigUint64Array.'],
    ['data that must be awaited', { data: () => ones, shape: [4] }, 'mse: pred.data is a function.'],
    [
      'a type that is not that of the data',
      { data: ones, dtype: 'float64', shape: [4] },
      "mse: pred says that its type is 'float64', but its data is a Float32Array.",
    ],
    [
      'a type that does not exist',
      { data: ones, dtype: 'float8', shape: [4] },
      "says that its type is 'float8'",
    ],
    ['text among numbers', [1, 2, '3', 4], "mse: pred[2] is '3'. It must be a number."],
    ['a hole among numbers', new Array(4), 'mse: pred[0] is undefined.'],
  ])('ERR_DTYPE: %s', (_, pred, message) => {
    expect(told(() => loose(pred, ones))).toMatch(/^ERR_DTYPE: /)
    expect(told(() => loose(pred, ones))).toContain(message)
  })

  it.each<[string, unknown, string]>([
    ['rows of different length', [[1, 2], [3]], 'mse: pred[1] has 1 numbers, pred[0] has 2 numbers.'],
    ['a number among rows', [[1, 2], 3], 'mse: pred[1] is 3, pred[0] has 2 numbers.'],
    [
      'a shape of another size',
      { data: ones, shape: [2, 3] },
      'mse: pred has shape [2, 3], which is 6 elements, but its data has 4.',
    ],
    ['a shape that is none', { data: ones, shape: 4 }, 'mse: the shape of pred is 4.'],
    ['a size that is none', { data: ones, shape: [4, -1] }, 'mse: the shape of pred holds -1.'],
    ['a size that is broken', { data: ones, shape: [2.5] }, 'mse: the shape of pred holds 2.5.'],
    [
      'a transposed view',
      { data: ones, shape: [2, 2], strides: [1, 2] },
      'mse: pred is a view with strides.',
    ],
    [
      'a view with an offset',
      { data: ones, shape: [4], stride: [1], offset: 1 },
      'mse: pred is a view with strides.',
    ],
    ['another length', [1, 2, 3], 'mse: target has 4 elements, pred has 3. Both must have the same shape.'],
  ])('ERR_SHAPE: %s', (_, pred, message) => {
    expect(told(() => loose(pred, ones))).toContain(`ERR_SHAPE: ${message}`)
  })

  it('ERR_SHAPE: two shapes of one size', () => {
    const [pred, target] = [
      { data: ones, shape: [2, 2] },
      { data: ones, shape: [4] },
    ]
    expect(told(() => mse(pred, target))).toBe(
      'ERR_SHAPE: mse: target has shape [4], pred has shape [2, 2]. Both must have the same shape.',
    )
  })

  it('ERR_DTYPE: a target, weight or incoming gradient that is wider than the predictions', () => {
    const wide = Float64Array.of(1, 1, 1, 1)
    expect(told(() => loose(ones, wide))).toBe(
      'ERR_DTYPE: mse: target is float64, but the loss is computed in float32, the type of its predictions. Convert ' +
        'target to float32, or the predictions to float64.',
    )
    expect(told(() => loose(ones, ones, { weight: wide }))).toContain('ERR_DTYPE: mse: weight is float64')
    expect(told(() => mse.grad(ones, ones, { reduction: 'none', upstream: wide }))).toContain(
      'ERR_DTYPE: mse: upstream is float64',
    )
  })

  it('ERR_DETACHED: an array whose memory was transferred, or lies beyond a shrunk buffer', () => {
    const transferred = Float32Array.of(1, 2, 3, 4)
    structuredClone(transferred.buffer, { transfer: [transferred.buffer] })
    expect(told(() => mse(transferred, transferred))).toContain(
      'ERR_DETACHED: mse: the memory of pred is gone',
    )

    const Resizable = ArrayBuffer as unknown as new (
      size: number,
      options: object,
    ) => ArrayBuffer & { resize(size: number): void }
    const buffer = new Resizable(16, { maxByteLength: 16 })
    const beyond = new Float32Array(buffer, 8, 2)
    buffer.resize(8)
    expect(told(() => mse(beyond, beyond))).toContain('ERR_DETACHED')
    expect(told(() => mse([], beyond))).toContain('the memory of target is gone')
  })
})

describe('rows of classes', () => {
  const flat = Float32Array.of(0, 1, 2, 3, 4, 5)
  const logits = { data: flat, shape: [2, 3] }
  const loose = crossEntropy as (logits: unknown, target: unknown, options?: object) => number

  it('may be flat, where there are labels to count them', () => {
    expect(crossEntropy(flat, [0, 2])).toBe(crossEntropy(logits, Int32Array.of(0, 2)))
    expect(crossEntropy(flat, Uint8Array.of(0, 2))).toBe(crossEntropy(logits, [0, 2]))
  })

  it('may be one row', () => {
    const expected = crossEntropy([[0, 1, 2, 3, 4, 5]], [2])
    expect(crossEntropy({ data: Float64Array.from(flat), shape: [6] }, [2])).toBe(expected)
    expect(
      crossEntropy({ data: Float64Array.from(flat), shape: [6] }, { data: Int8Array.of(2), shape: [] }),
    ).toBe(expected)
    expect(crossEntropy(Float64Array.from(flat), [2])).toBe(expected)
  })

  it('take probabilities of their shape, flat or not', () => {
    const q = Float32Array.of(0.5, 0.5, 0, 0, 0, 1)
    expect(loose(logits, q)).toBe(loose(logits, { data: q, shape: [2, 3] }))
    expect(
      loose(logits, [
        [0.5, 0.5, 0],
        [0, 0, 1],
      ]),
    ).toBe(loose(logits, q))
  })

  it.each<[string, unknown, unknown, string]>([
    [
      'flat rows of no whole length',
      flat,
      [0, 1, 2, 0],
      'logits has 6 elements, which is not a row of classes for each of 4 labels',
    ],
    ['no labels for flat rows', flat, new Int32Array(0), 'logits has 6 elements, which is not'],
    ['no rows for labels', new Float32Array(0), [0], 'logits has 0 elements, which is not'],
    ['flat rows with probabilities', flat, flat, 'logits and target are flat'],
    [
      'too few labels',
      logits,
      [0],
      'target has 1 elements, logits has shape [2, 3]. There must be one label for each of 2 rows.',
    ],
    ['labels in a column', logits, { data: Int32Array.of(0, 1), shape: [2, 1] }, 'target has shape [2, 1]'],
    [
      'whole numbers as probabilities',
      logits,
      new Int32Array(6),
      'Probabilities for every class must be floats.',
    ],
    [
      'probabilities of another shape',
      logits,
      { data: flat, shape: [3, 2] },
      'target has shape [3, 2], logits has shape [2, 3]',
    ],
    [
      'three dimensions',
      { data: flat, shape: [1, 2, 3] },
      [0],
      'logits has shape [1, 2, 3]. There must be one label for each of 3 rows, in shape [1, 3].',
    ],
    ['no dimension', { data: flat.subarray(0, 1), shape: [] }, [0], 'logits has shape []'],
    [
      'no classes',
      { data: new Float32Array(0), shape: [2, 0] },
      [0, 0],
      'A row must have at least one class',
    ],
  ])('ERR_SHAPE: %s', (_, pred, target, message) => {
    expect(told(() => loose(pred, target))).toMatch(/^ERR_SHAPE: crossEntropy: /)
    expect(told(() => loose(pred, target))).toContain(message)
  })

  it('ERR_DTYPE: floats where labels belong', () => {
    expect(told(() => loose(logits, Float32Array.of(0, 1)))).toBe(
      'ERR_DTYPE: crossEntropy: target is float32. Class labels must be whole numbers, such as an Int32Array or a BigInt64Array.',
    )
    expect(told(() => loose(flat, Float32Array.of(0, 1)))).toContain('ERR_DTYPE')
    expect(told(() => (nll as typeof loose)(logits, flat))).toContain('ERR_DTYPE: nll: target is float32.')
    expect(told(() => loose(logits, [0, 0.5]))).toBe(
      'ERR_DTYPE: crossEntropy: target[1] is 0.5. A class label must be a whole number.',
    )
  })

  it('ERR_LABEL: plain numbers that no class has for a label', () => {
    expect(told(() => loose(logits, [0, 2 ** 40]))).toBe(
      'ERR_LABEL: crossEntropy: target[1] is 1099511627776, which no class has for a label.',
    )
  })

  it('have as many class weights as classes', () => {
    expect(told(() => loose(logits, [0, 1], { weight: [1, 2] }))).toBe(
      'ERR_SHAPE: crossEntropy: weight has 2 elements. It must have one element for each of 3 classes.',
    )
    expect(told(() => loose(logits, [0, 1], { weight: [[1, 2, 3]] }))).toContain('ERR_SHAPE')
  })
})

describe('weights of elements', () => {
  const pred = { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3] }
  const target = new Float32Array(6)
  const weighted = (weight: Tensor) => mse(pred, target, { weight, reduction: 'none' })

  it('repeat over the leading dimensions', () => {
    const expected = Float32Array.of(1, 8, 27, 16, 50, 108)
    expect(weighted([1, 2, 3])).toEqual(expected)
    expect(weighted({ data: Int8Array.of(1, 2, 3), shape: [1, 3] })).toEqual(expected)
    expect(
      weighted([
        [1, 2, 3],
        [1, 2, 3],
      ]),
    ).toEqual(expected)
    expect(weighted([2])).toEqual(Float32Array.of(2, 8, 18, 32, 50, 72))
  })

  it('broadcast over any dimension in which they have size 1', () => {
    expect(weighted([[1], [2]])).toEqual(Float32Array.of(1, 4, 9, 32, 50, 72))
    expect(weighted({ data: Float32Array.of(1, 2), shape: [2, 1] })).toEqual(
      Float32Array.of(1, 4, 9, 32, 50, 72),
    )
    const whole = { data: new Float32Array(12).fill(1), shape: [2, 2, 3] }
    const values = (weight: Tensor) => [...mse(whole, new Float32Array(12), { weight, reduction: 'none' })]
    expect(values({ data: Float32Array.of(1, 2), shape: [2, 1, 1] })).toEqual([
      1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2,
    ])
    expect(values({ data: Int32Array.of(1, 2), shape: [2, 1] })).toEqual([1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2])
    expect(values({ data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 1, 3] })).toEqual([
      1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6,
    ])
  })

  it.each<[string, Tensor, string]>([
    ['a number for each row', [1, 2], 'weight has shape [2], pred has shape [2, 3]'],
    [
      'the transposed shape',
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      'weight has shape [3, 2]',
    ],
    ['nothing', [], 'weight has shape [0]'],
  ])('ERR_SHAPE: %s', (_, weight, message) => {
    expect(told(() => weighted(weight))).toContain('ERR_SHAPE: mse: ')
    expect(told(() => weighted(weight))).toContain(message)
  })
})
