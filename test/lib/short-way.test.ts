/** Calls without options, or with a gradient's buffer only, go a short way: it must not be seen but in the time they take. */

import { describe, expect, it, vi } from 'vitest'
import { bce, crossEntropy, huber, mse } from '../../lib/index.ts'
import { thrown, told } from './thrown.ts'

const pred = Float32Array.of(1, 2, 3, 4)
const target = Float32Array.of(1, 1, 1, 1)
const logits = { data: Float32Array.of(2, 0, 0, 0, 3, 0), shape: [2, 3] }
const labels = Uint8Array.of(0, 2)

type Loose = (...args: unknown[]) => unknown
const loose = mse as unknown as Loose & { grad: Loose; valueAndGrad: Loose }
const looseRows = crossEntropy as unknown as Loose & { grad: Loose; valueAndGrad: Loose }

/** An option that changes nothing, but is one: with it a call goes the long way. */
const LONG = { upstream: 1 }

describe('the short way gives what the long one gives', () => {
  it.each([Float32Array, Float64Array])('for elements of a %o', Class => {
    const [x, t] = [Class.of(1, 2, 3, 4), Class.of(1, 1, 1, 1)] as [Float32Array, Float32Array]
    const out = { pred: new Class(4) as Float32Array }
    expect(mse(x, t)).toBe(mse(x, t, LONG))
    expect(mse.grad(x, t)).toEqual(mse.grad(x, t, LONG))
    expect(mse.valueAndGrad(x, t)).toEqual(mse.valueAndGrad(x, t, LONG))
    const { value, grad } = mse.valueAndGrad(x, t, { out })
    expect(grad.pred).toBe(out.pred)
    expect({ value, grad }).toEqual(mse.valueAndGrad(x, t, LONG))
    expect(mse.grad(x, t, { out }).pred).toBe(out.pred)
  })

  it('for rows, flat or with a shape', () => {
    const long = crossEntropy.valueAndGrad(logits, labels, LONG)
    const out = { logits: new Float32Array(6) }
    for (const scores of [logits, logits.data, { ...logits, shape: undefined }]) {
      expect(looseRows(scores, labels)).toBe(long.value)
      expect(looseRows.valueAndGrad(scores, labels)).toEqual(long)
      expect(looseRows.valueAndGrad(scores, labels, { out })).toEqual(long)
      expect(looseRows.grad(scores, labels, { out })).toEqual(long.grad)
    }
    expect(crossEntropy.grad(logits, labels, { out }).logits).toBe(out.logits)
  })

  it('where sizes, types and losses change from call to call', () => {
    const calls: [act: () => unknown, expected: unknown][] = []
    for (let n = 1; n < 6; n++) {
      const [x, t] = [new Float32Array(n).fill(n), new Float32Array(n)]
      const x64 = Float64Array.from(x)
      calls.push([() => mse(x, t), n * n])
      calls.push([() => huber(x, t), n - 0.5])
      calls.push([() => mse(x64, Float64Array.from(t), { reduction: 'sum' }), n ** 3])
      calls.push([() => mse(x64, Float64Array.from(t)), n * n])
      calls.push([() => mse.grad(x, t).pred[0], Math.fround(2 * n * Math.fround(1 / n))])
      calls.push([() => crossEntropy(new Float32Array(4 * n), new Int32Array(n)), Math.fround(Math.log(4))])
      calls.push([
        () => crossEntropy(new Float32Array(2 * n), new BigInt64Array(n)),
        Math.fround(Math.log(2)),
      ])
      const run = mse.bind(x, t, { reduction: 'sum' })
      calls.push([run, n ** 3])
    }
    for (let step = 1; step < calls.length; step++) {
      for (let i = 0; i < calls.length; i++) {
        const [act, expected] = calls[(i * step) % calls.length] as (typeof calls)[number]
        expect(act()).toBeCloseTo(expected as number, 6)
      }
    }
  })

  it('where two copies of the library share one addon', async () => {
    vi.resetModules()
    const copy = await import('../../lib/index.ts')
    expect(copy.mse).not.toBe(mse)
    for (let i = 0; i < 5; i++) {
      expect(mse(pred, target)).toBe(3.5)
      expect(copy.huber(pred, target)).toBe(huber(pred, target))
      expect(copy.mse.grad(pred, target, { reduction: 'sum' }).pred).toEqual(Float32Array.of(0, 2, 4, 6))
      expect(mse(pred, target)).toBe(3.5)
      expect(copy.mse(pred, target)).toBe(3.5)
    }
  })
})

describe('the short way takes no option for none', () => {
  it.each<[string, object]>([
    ['beside out', { out: { pred: new Float32Array(4) }, reduction: 'sum' }],
    ['that is inherited', Object.create({ reduction: 'sum' }) as object],
    [
      'of a class',
      new (class {
        get reduction() {
          return 'sum'
        }
      })(),
    ],
    [
      'that a getter gives',
      {
        get reduction() {
          return 'sum'
        },
      },
    ],
  ])('%s', (_, options) => {
    expect(loose.valueAndGrad(pred, target, options)).toMatchObject({
      value: 14,
      grad: { pred: Float32Array.of(0, 2, 4, 6) },
    })
  })

  it('of a tensor', () => {
    const half = { data: Uint16Array.of(0x3c00), shape: [1], dtype: 'float16' } as const
    expect(mse(half, [3])).toBe(4)
    expect(crossEntropy({ ...logits, shape: [3, 2] }, Uint8Array.of(0, 1, 0))).toBe(
      crossEntropy({ ...logits, shape: [3, 2] }, Uint8Array.of(0, 1, 0), LONG),
    )
    expect(told(() => looseRows({ ...logits, strides: [1, 2] }, labels))).toContain('a view with strides')
    expect(told(() => looseRows({ ...logits, shape: [3, 2] }, labels))).toContain('ERR_SHAPE')
  })
})

describe('the short way refuses what the long one refuses', () => {
  it.each<[string, unknown[]]>([
    ['a buffer of another length', [pred, target, { out: { pred: new Float32Array(3) } }]],
    ['a buffer of another type', [pred, target, { out: { pred: new Float64Array(4) } }]],
    ['a buffer that is none', [pred, target, { out: { pred: null } }]],
    ['a buffer under another name', [pred, target, { out: { logits: new Float32Array(4) } }]],
    ['an array for out', [pred, target, { out: new Float32Array(4) }]],
    ['a buffer that is read too', [pred, target, { out: { pred: target } }]],
    ['inputs of different lengths', [pred, new Float32Array(3), { out: { pred: new Float32Array(4) } }]],
    ['options that are none', [pred, target, 'out']],
    ['nothing at all', []],
  ])('%s', (_, [x, t, options]) => {
    const long = typeof options === 'object' ? { ...options, ...LONG } : options
    const { code, message } = thrown(() => loose.valueAndGrad(x, t, long))
    expect(thrown(() => loose.valueAndGrad(x, t, options))).toMatchObject({ code, message })
    expect(thrown(() => loose.grad(x, t, options))).toMatchObject({ code, message })
  })

  it('values and labels that are wrong', () => {
    const out = { pred: new Float32Array(1) }
    expect(told(() => bce.grad(Float32Array.of(2), Float32Array.of(1), { out }))).toBe(
      'ERR_DOMAIN: bce: pred[0] is 2. A probability must lie in [0, 1].',
    )
    expect(
      told(() => crossEntropy.grad(logits, Int8Array.of(0, 3), { out: { logits: new Float32Array(6) } })),
    ).toBe(
      'ERR_LABEL: crossEntropy: target[1] is 3. A class label must be from 0 to 2, or ignoreIndex, which is -100.',
    )
  })
})

describe('code of the caller that runs in the middle of a call', () => {
  it('reads each property once, and may call losses itself', () => {
    const buffer = new Float32Array(4)
    let reads = 0
    const nosy = <T>(value: T): T => {
      reads++
      mse(new Float32Array(9), new Float32Array(9).fill(3))
      huber(pred, target, { reduction: 'sum' })
      return value
    }
    const options = {
      get out() {
        return nosy({
          get pred() {
            return nosy(buffer)
          },
        })
      },
    }
    expect(mse.valueAndGrad(pred, target, options)).toEqual({
      value: 3.5,
      grad: { pred: Float32Array.of(0, 0.5, 1, 1.5) },
    })
    expect(reads).toBe(2)
    const scores = {
      get data() {
        return nosy(logits.data)
      },
      get shape() {
        return nosy([2, 3])
      },
    }
    expect(crossEntropy(scores, labels)).toBe(crossEntropy(logits, labels))
    expect(reads).toBe(4)
  })

  it('cannot make an array look longer than it is', () => {
    const long = new (class extends Float32Array {
      override get length() {
        return 1000
      }
    })(4)
    expect(() => mse.grad(long, new Float32Array(1000), { out: { pred: new Float32Array(1000) } })).toThrow()
    expect(() => mse.grad(pred, target, { out: { pred: long } })).toThrow()
  })
})
