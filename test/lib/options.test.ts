import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { bceWithLogits, crossEntropy, huber, mse, setThreads } from '../../lib/index.ts'
import { told } from './thrown.ts'

const pred = Float32Array.of(1, 2, 3, 4)
const target = Float32Array.of(1, 1, 1, 1)
const logits = [
  [1, 2],
  [3, 4],
]

// Whether there is a GPU or not, there is none for these tests.
beforeEach(() => {
  vi.stubEnv('LOSSKIT_CUDA_LIBRARY', '/nowhere/liblosskit_cuda.so')
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.resetModules()
})

/** The typed losses refuse these options when they are compiled; JavaScript finds out when it runs. */
const untyped = (loss: unknown) => loss as (pred: unknown, target: unknown, options?: unknown) => unknown

describe('an option is refused', () => {
  it.each<[string, unknown, string]>([
    [
      'that does not exist',
      { detla: 1 },
      'ERR_OPTION: huber: there is no option detla here. The options are delta, reduction, divisor, onEmpty, backend, ' +
        'weight, upstream, out and stream.',
    ],
    ['that belongs to another form', { grad: true }, 'ERR_OPTION: huber: there is no option grad here.'],
    [
      'that is no number',
      { delta: '1' },
      "ERR_OPTION: huber: delta is '1'. It must be a finite number above 0.",
    ],
    [
      'outside its domain',
      { delta: 0 },
      'ERR_OPTION: huber: delta is 0. It must be a finite number above 0.',
    ],
    ['that is NaN', { delta: Number.NaN }, 'ERR_OPTION: huber: delta is NaN.'],
    ['that is infinite', { delta: Number.POSITIVE_INFINITY }, 'ERR_OPTION: huber: delta is Infinity.'],
    ['null', { delta: null }, 'ERR_OPTION: huber: delta is null.'],
    [
      'a reduction',
      { reduction: 'avg' },
      "ERR_OPTION: huber: reduction is 'avg'. It must be 'mean', 'sum' or 'none'.",
    ],
    ['a divisor', { divisor: 0 }, 'ERR_OPTION: huber: divisor is 0. It must be a finite number above 0.'],
    ['a divisor in words', { divisor: '3' }, "ERR_OPTION: huber: divisor is '3'."],
    [
      'an incoming gradient',
      { upstream: Number.NaN },
      'ERR_OPTION: huber: upstream is NaN. It must be a finite number',
    ],
    [
      'an incoming gradient for each value of a mean',
      { upstream: target },
      "ERR_OPTION: huber: upstream is a Float32Array. It must be a number, for reduction 'mean' gives one value.",
    ],
    ['for nothing', { onEmpty: 0 }, "ERR_OPTION: huber: onEmpty is 0. It must be 'nan' or 'zero'."],
    [
      'a backend',
      { backend: 'gpu' },
      "ERR_OPTION: huber: backend is 'gpu'. It must be 'auto', 'cpu' or 'cuda'.",
    ],
    [
      'cuda, which is not there',
      { backend: 'cuda' },
      "ERR_BACKEND: huber: backend is 'cuda', but CUDA is not there (library-missing). The library of the CUDA backend is not there: /nowhere",
    ],
  ])('%s', (_, options, message) => {
    expect(told(() => untyped(huber)(pred, target, options))).toContain(message)
  })

  it.each<unknown>(['sum', 1, null, true])('where options are %o', options => {
    expect(told(() => untyped(mse)(pred, target, options))).toMatch(
      /^ERR_OPTION: mse: options are .* an object\.$/,
    )
  })

  it('of crossEntropy', () => {
    const refused = (options: object, targets: unknown = [0, 1]) =>
      told(() => untyped(crossEntropy)(logits, targets, options))
    expect(refused({ labelSmoothing: 1.5 })).toBe(
      'ERR_OPTION: crossEntropy: labelSmoothing is 1.5. It must be a number from 0 to 1.',
    )
    expect(refused({ labelSmoothing: -0.1 })).toContain('ERR_OPTION')
    expect(refused({ ignoreIndex: 0.5 })).toBe(
      'ERR_OPTION: crossEntropy: ignoreIndex is 0.5. It must be a whole number.',
    )
    expect(refused({ ignoreIndex: 0 }, logits)).toBe(
      'ERR_OPTION: crossEntropy: ignoreIndex names a label, but the target holds probabilities. Leave it out, or give labels.',
    )
  })

  it('of bceWithLogits', () => {
    const refused = (posWeight: unknown) => told(() => untyped(bceWithLogits)(pred, target, { posWeight }))
    expect(refused(-1)).toBe(
      'ERR_OPTION: bceWithLogits: posWeight is -1. It must be a finite number from 0 on, or a tensor.',
    )
    expect(refused([1, 2])).toContain(
      'ERR_SHAPE: bceWithLogits: posWeight has shape [2], pred has shape [4].',
    )
    expect(refused('1')).toContain("ERR_DTYPE: bceWithLogits: posWeight is '1'.")
  })

  it('of setThreads', () => {
    expect(told(() => setThreads(0))).toBe(
      'ERR_OPTION: setThreads: threads is 0. It must be a whole number from 1 on.',
    )
    expect(told(() => setThreads(1.5))).toContain('ERR_OPTION')
    expect(told(() => setThreads('2' as never))).toContain('ERR_OPTION')
  })
})

describe('an option', () => {
  it('that is undefined is as good as absent, even one that does not exist', () => {
    const options = {
      reduction: undefined,
      delta: undefined,
      weight: undefined,
      out: undefined,
      signal: undefined,
    }
    expect(untyped(huber)(pred, target, options)).toBe(huber(pred, target))
  })

  it('may be the default in so many words', () => {
    const options = { reduction: 'mean', upstream: 1, backend: 'auto', onEmpty: 'nan', delta: 1 } as const
    expect(huber(pred, target, options)).toBe(huber(pred, target))
    expect(huber(pred, target, { backend: 'cpu' })).toBe(huber(pred, target))
  })

  it('is read once, before the arrays: what it does when it is read is seen in the inputs', () => {
    const reads: string[] = []
    const options = {
      get reduction() {
        reads.push('reduction')
        // Another loss in the middle of this one, and another value in its inputs.
        mse(target, target)
        return 'sum' as const
      },
      get weight() {
        reads.push('weight')
        return [1, 2, 1, 1]
      },
    }
    expect(mse(pred, target, options)).toBe(15)
    expect(reads).toEqual(['reduction', 'weight'])
  })

  it('does not stay for the next call', () => {
    const before = [huber(pred, target), crossEntropy(logits, [0, 1]), mse(pred, target)]
    huber(pred, target, { delta: 0.25, divisor: 9, reduction: 'mean' })
    crossEntropy(logits, [0, 1], { labelSmoothing: 0.5, weight: [2, 1], ignoreIndex: 0 })
    huber.grad(pred, target, { reduction: 'none', upstream: [1, 2, 3, 4] })
    expect([huber(pred, target), crossEntropy(logits, [0, 1]), mse(pred, target)]).toEqual(before)
  })
})

describe('the mean of nothing', () => {
  const ignored = Int32Array.of(-100, -100)

  it('is NaN, or 0 if so asked: of an empty batch, and of ignored rows only', () => {
    expect(mse([], [])).toBeNaN()
    expect(mse([], [], { onEmpty: 'zero' })).toBe(0)
    expect(crossEntropy(logits, ignored)).toBeNaN()
    expect(crossEntropy(logits, ignored, { onEmpty: 'zero' })).toBe(0)
    expect(crossEntropy(logits, BigInt64Array.of(7n, 7n), { onEmpty: 'zero', ignoreIndex: 7 })).toBe(0)
    expect(crossEntropy(new Float32Array(0), new Int32Array(0), { onEmpty: 'zero', weight: [1, 2] })).toBe(0)
    expect(crossEntropy.valueAndGrad(logits, ignored, { onEmpty: 'zero' })).toEqual({
      value: 0,
      grad: { logits: new Float64Array(4) },
    })
  })

  it('is not what NaN in the inputs, or weights of nothing, come from', () => {
    expect(mse([Number.NaN], [1], { onEmpty: 'zero' })).toBeNaN()
    expect(crossEntropy([[Number.NaN, 1]], [0], { onEmpty: 'zero' })).toBeNaN()
    expect(crossEntropy([[1, 2]], [0], { onEmpty: 'zero', weight: [0, 1] })).toBeNaN()
  })
})

describe('LOSSKIT_BACKEND', () => {
  /** The library as it is where the environment asks for a backend. */
  async function asking(backend: string): Promise<typeof mse> {
    vi.stubEnv('LOSSKIT_BACKEND', backend)
    vi.resetModules()
    const { mse } = await import('../../lib/index.ts')
    return mse
  }

  it('is the backend of calls that name none', async () => {
    expect((await asking('cpu'))(pred, target)).toBe(3.5)
    const cuda = await asking('cuda')
    expect(() => cuda(pred, target)).toThrow(
      "mse: LOSSKIT_BACKEND is 'cuda', but CUDA is not there (library-missing). The library of the CUDA backend is not there: /nowhere",
    )
    expect(cuda(pred, target, { backend: 'cpu' })).toBe(3.5)
    const gpu = await asking('gpu')
    expect(() => gpu.bind(pred, target)).toThrow("mse: LOSSKIT_BACKEND is 'gpu'. It must be")
  })
})
