import { describe, expect, it } from 'vitest'
import { bce, crossEntropy, mse } from '../../lib/index.ts'
import { told } from './thrown.ts'

const pred = Float32Array.of(1, 2, 3, 4)
const target = Float32Array.of(1, 1, 1, 1)
const GRAD = [0, 0.5, 1, 1.5]

type Untyped = (pred: unknown, target: unknown, options?: unknown) => unknown
const loss = mse as unknown as Untyped & { grad: Untyped; valueAndGrad: Untyped; bind: Untyped }

describe('ERR_OUT: a buffer', () => {
  const none = { reduction: 'none' }

  it.each<[string, unknown, string]>([
    [
      'of another length',
      new Float32Array(3),
      'out is a Float32Array of 3 elements. It must be a Float32Array of 4 elements.',
    ],
    [
      'of another type',
      new Float64Array(4),
      'out is a Float64Array of 4 elements. It must be a Float32Array of 4 elements.',
    ],
    ['that is a list', [0, 0, 0, 0], 'out is an array. It must be a Float32Array of 4 elements.'],
    ['that is a tensor object', { data: pred, shape: [4] }, 'out is an object. It must be'],
    ['null', null, 'out is null.'],
  ])('%s', (_, out, message) => {
    expect(told(() => loss(pred, target, { ...none, out }))).toContain(`ERR_OUT: mse: ${message}`)
  })

  it('for a gradient, by its name', () => {
    expect(told(() => loss.grad(pred, target, { out: { pred: new Float64Array(4) } }))).toBe(
      'ERR_OUT: mse: out.pred is a Float64Array of 4 elements. It must be a Float32Array of 4 elements.',
    )
    const both = { ...none, out: { value: new Float32Array(5) } }
    expect(told(() => loss.valueAndGrad(pred, target, both))).toContain(
      'ERR_OUT: mse: out.value is a Float32Array of 5',
    )
    const half = { data: Uint16Array.of(0), dtype: 'float16', shape: [1] }
    expect(told(() => loss.grad(half, [1], { out: { pred: new Float32Array(1) } }))).toContain(
      'It must be a Uint16Array of 1 elements.',
    )
  })
})

describe('ERR_OPTION: out', () => {
  it.each<[string, (options: object) => unknown, unknown, string]>([
    [
      'for a single number',
      options => loss(pred, target, options),
      new Float32Array(4),
      "out takes the values of reduction 'none', but reduction 'mean' gives one number. Leave it out.",
    ],
    [
      'that is an array where it needs names',
      options => loss.grad(pred, target, options),
      new Float32Array(4),
      'out is a Float32Array. It must be an object of buffers: { pred }.',
    ],
    [
      'under a wrong name',
      options => loss.grad(pred, target, options),
      { logits: new Float32Array(4) },
      'out.logits would stay empty. out takes pred here.',
    ],
    [
      'for a value that is a number',
      options => loss.valueAndGrad(pred, target, options),
      { pred: new Float32Array(4), value: new Float32Array(4) },
      'out.value would stay empty. out takes pred here.',
    ],
    [
      'for a gradient that nobody asked for',
      options => loss.bind(pred, target, options),
      { pred: new Float32Array(4) },
      'out.pred would stay empty. out takes nothing here.',
    ],
  ])('%s', (_, call, out, message) => {
    expect(told(() => call({ out }))).toContain(`ERR_OPTION: mse: ${message}`)
  })
})

describe('ERR_DETACHED: out', () => {
  it('whose memory was transferred', () => {
    const out = new Float32Array(4)
    structuredClone(out.buffer, { transfer: [out.buffer] })
    expect(told(() => loss.grad(pred, target, { out: { pred: out } }))).toBe(
      'ERR_DETACHED: mse: the memory of out.pred is gone: its buffer was transferred or resized.',
    )
  })
})

describe('memory', () => {
  type Floats = Float32Array<ArrayBuffer>

  /** Views of four floats each, in one buffer. */
  const views = (...offsets: number[]) => {
    const { buffer } = new Float32Array(64)
    return offsets.map(offset => new Float32Array(buffer, offset, 4)) as [Floats, Floats, Floats]
  }
  const OVERLAP = 'Buffers must lie apart, except that a gradient may be written exactly over pred.'

  it('may be shared by the predictions and their gradient, exactly', () => {
    const [inPlace, other] = views(0, 16)
    inPlace.set(pred)
    other.set(target)
    const { grad } = mse.valueAndGrad(inPlace, other, { out: { pred: inPlace } })
    expect(grad.pred).toBe(inPlace)
    expect([...inPlace]).toEqual(GRAD)

    // Another view of the same elements is the same memory.
    inPlace.set(pred)
    mse.grad(inPlace, other, { out: { pred: new Float32Array(inPlace.buffer, 0, 4) } })
    expect([...inPlace]).toEqual(GRAD)
  })

  it('may lie side by side in one buffer', () => {
    const [x, t, out] = views(0, 16, 32)
    x.set(pred)
    t.set(target)
    mse.grad(x, t, { out: { pred: out } })
    expect([...out]).toEqual(GRAD)
    expect([...x, ...t]).toEqual([...pred, ...target])
  })

  it('may not be shared by predictions and gradient in part', () => {
    const [x, shifted] = views(0, 4)
    expect(told(() => mse.grad(x, target, { out: { pred: shifted } }))).toBe(
      `ERR_OVERLAP: mse: out.pred shares memory with pred. ${OVERLAP}`,
    )
    expect(told(() => mse.grad(shifted, target, { out: { pred: x } }))).toContain('ERR_OVERLAP')
    expect(told(() => mse.bind(x, target, { grad: true, out: { pred: shifted } }))).toContain('ERR_OVERLAP')
  })

  it('may not be shared by the gradient and the target, the weights or the incoming gradient', () => {
    const [out] = views(0)
    const shared = (options: object, t = target) =>
      told(() => loss.grad(pred, t, { out: { pred: out }, reduction: 'none', ...options }))
    expect(shared({}, out)).toBe(`ERR_OVERLAP: mse: out.pred shares memory with target. ${OVERLAP}`)
    expect(shared({ weight: out })).toContain('ERR_OVERLAP: mse: out.pred shares memory with weight.')
    expect(shared({ upstream: out })).toContain('ERR_OVERLAP: mse: out.pred shares memory with upstream.')
  })

  it('may not be shared by the predictions, their gradient and the target', () => {
    expect(told(() => mse.grad(pred, pred, { out: { pred } }))).toContain(
      'out.pred shares memory with target.',
    )
  })

  it('may not be shared by the values and anything else', () => {
    const [out, shifted] = views(0, 4)
    const none = { reduction: 'none' } as const
    expect(told(() => mse(out, target, { ...none, out }))).toContain(
      'ERR_OVERLAP: mse: out shares memory with pred. Buffers must lie apart',
    )
    expect(told(() => mse(pred, out, { ...none, out }))).toContain('out shares memory with target.')
    expect(
      told(() => mse.valueAndGrad(pred, target, { ...none, out: { pred: out, value: shifted } })),
    ).toContain('ERR_OVERLAP: mse: out.value shares memory with out.pred.')
  })

  it('of another type is other memory only if it lies apart', () => {
    const { buffer } = new Float32Array(8)
    const labels = new Int32Array(buffer, 0, 2)
    const logits = { data: new Float32Array(buffer, 8, 4), shape: [2, 2] }
    expect(
      told(() => crossEntropy.grad(logits, labels, { out: { logits: new Float32Array(buffer, 4, 4) } })),
    ).toContain('ERR_OVERLAP: crossEntropy: out.logits shares memory with logits.')
    expect([...crossEntropy.grad(logits, labels, { out: { logits: logits.data } }).logits]).toEqual([
      -0.25, 0.25, -0.25, 0.25,
    ])
  })

  it('of no elements overlaps with nothing', () => {
    const { buffer } = new Float32Array(2)
    const empty = new Float32Array(buffer, 4, 0)
    expect(mse.grad(empty, empty, { out: { pred: empty } }).pred).toBe(empty)
  })

  it.each([20, 70, 5000])('over its own input does not hide which of %i values was refused', size => {
    for (const at of [0, 15, 17, size - 1]) {
      const pred = new Float32Array(size).fill(0.5)
      pred[at] = 2
      const target = new Float32Array(size)
      expect(() => bce.valueAndGrad(pred, target, { out: { pred } })).toThrow(
        expect.objectContaining({ code: 'ERR_DOMAIN', index: at, value: 2 }),
      )
    }
  })
})
