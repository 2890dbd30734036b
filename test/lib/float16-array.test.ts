import { afterAll, describe, expect, it, vi } from 'vitest'
import { type Float16ArrayLike, mse } from '../../lib/index.ts'
import { told } from './thrown.ts'

const standIn = vi.hoisted(() => {
  const isMissing = !('Float16Array' in globalThis)
  if (isMissing) Object.assign(globalThis, { Float16Array: class Float16Array extends Uint16Array {} })
  return { isMissing, Class: Reflect.get(globalThis, 'Float16Array') as Uint16ArrayConstructor }
})

// Where the runtime has no Float16Array, a class of its name stands in for it, known by its class instead of its brand.
vi.mock('../../lib/tensor/dtype.ts', async importOriginal => {
  const original = await importOriginal<typeof import('../../lib/tensor/dtype.ts')>()
  const kindOf = (value: unknown) =>
    value instanceof standIn.Class ? 'Float16Array' : original.kindOf(value)
  return { ...original, kindOf }
})

afterAll(() => {
  if (standIn.isMissing) Reflect.deleteProperty(globalThis, 'Float16Array')
})

const ofBits = (...bits: number[]) =>
  new standIn.Class(Uint16Array.from(bits).buffer) as unknown as Float16ArrayLike
const bitsOf = ({ buffer, byteOffset, length }: Float16ArrayLike) => [
  ...new Uint16Array(buffer, byteOffset, length),
]

/** 1, 2, 3, 4 */
const pred = () => ofBits(0x3c00, 0x4000, 0x4200, 0x4400)
const target = [1, 1, 1, 1]
/** 0, ½, 1, 1½ */
const GRAD = [0, 0x3800, 0x3c00, 0x3e00]

describe('a Float16Array', () => {
  it('holds half precision, alone and as data of a tensor', () => {
    expect(mse(pred(), target)).toBe(3.5)
    expect(mse({ data: pred(), shape: [2, 2], dtype: 'float16' }, { data: pred(), shape: [2, 2] })).toBe(0)
    expect(mse(pred(), target, { reduction: 'none', weight: pred() })).toEqual(Float32Array.of(0, 2, 12, 36))
  })

  it('has a gradient of its own kind', () => {
    const { pred: grad } = mse.grad(pred(), target)
    expect(grad).toBeInstanceOf(standIn.Class)
    expect(bitsOf(grad)).toEqual(GRAD)
  })

  it('takes its gradient in a buffer, or in place', () => {
    const out = ofBits(0, 0, 0, 0)
    expect(mse.grad(pred(), target, { out: { pred: out } }).pred).toBe(out)
    expect(bitsOf(out)).toEqual(GRAD)
    const inPlace = pred()
    const run = mse.bind(inPlace, target, { grad: true, out: { pred: inPlace } })
    expect(run()).toBe(3.5)
    expect(run.grad.pred).toBe(inPlace)
    expect(bitsOf(inPlace)).toEqual(GRAD)
  })

  it('does not take it in an array of bits', () => {
    const out = { pred: new Uint16Array(4) as unknown as Float16ArrayLike }
    expect(told(() => mse.grad(pred(), target, { out }))).toBe(
      'ERR_OUT: mse: out.pred is a Uint16Array of 4 elements. It must be a Float16Array of 4 elements.',
    )
  })
})
