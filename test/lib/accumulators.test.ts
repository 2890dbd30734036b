import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bce, bceWithLogits, crossEntropy, huber, mae, mse } from '../../lib/index.ts'
import { rejected, told } from './thrown.ts'

const pred = Float32Array.of(1, 2, 3, 4)
const target = Float32Array.of(1, 1, 1, 1)
const logits = [
  [1, 2, 3],
  [3, 2, 1],
]

/** The untyped surface, as JavaScript sees it. */
interface Untyped {
  (options?: unknown): { update(...args: unknown[]): unknown; merge(other: unknown): unknown; value: number }
  fromBytes(
    bytes: unknown,
    options?: unknown,
  ): { value: number; count: number; update(...args: unknown[]): unknown }
}
const untyped = (factory: unknown) => factory as Untyped

describe('an accumulator', () => {
  it('starts from nothing', () => {
    const accumulator = mse.accumulator()
    expect([accumulator.value, accumulator.count]).toEqual([Number.NaN, 0])
    expect(mse.accumulator({ reduction: 'sum' }).value).toBe(0)
    expect(mse.accumulator({ divisor: 5 }).value).toBe(0)
    expect(mse.accumulator({ onEmpty: 'zero' }).value).toBe(0)
  })

  it('takes weights with each batch, and class weights for all batches', () => {
    const weighted = mse.accumulator({ reduction: 'sum' })
    weighted.update(pred, target, { weight: [1, 2, 3, 4] }).update(pred, target)
    expect(weighted.value).toBe(0 + 2 + 12 + 36 + 14)
    const weight = Float64Array.of(1, 2, 3)
    const classes = crossEntropy.accumulator({ weight }).update(logits, [0, 1])
    expect(classes.value).toBe(crossEntropy(logits, [0, 1], { weight }))
  })

  it('keeps its options as they were when it was made', () => {
    const weight = Float64Array.of(1, 2, 3)
    const accumulator = crossEntropy.accumulator({ weight })
    const expected = crossEntropy(logits, [0, 1], { weight })
    weight.fill(0)
    expect(accumulator.update(logits, [0, 1]).value).toBe(expected)
  })

  it('takes class weights of plain numbers for any type of batch', () => {
    const flat = Float32Array.from(logits.flat())
    const options = { weight: [0.1, 0.2, 0.3] }
    expect(crossEntropy.accumulator(options).update(flat, [0, 1]).value).toBe(
      crossEntropy(flat, [0, 1], options),
    )
  })

  it('counts what is not ignored, and gives 0 for nothing if so asked', () => {
    const accumulator = crossEntropy.accumulator({ onEmpty: 'zero' }).update(logits, [-100, -100])
    expect([accumulator.value, accumulator.count]).toEqual([0, 0])
    accumulator.update(logits, [0, -100])
    expect(accumulator.count).toBe(1)
    expect(crossEntropy.accumulator({ onEmpty: 'zero' }).update([[Number.NaN, 1]], [0]).value).toBeNaN()
  })

  it('stays as it was when a batch is refused', () => {
    const accumulator = crossEntropy.accumulator().update(logits, [0, 1])
    const before = [accumulator.value, accumulator.count, accumulator.toBytes()]
    // Many good rows before the bad one.
    const many = new Float64Array(3 * 5000)
    const labels = new Int32Array(5000)
    labels[4999] = 3
    expect(told(() => accumulator.update(many, labels))).toContain(
      'ERR_LABEL: crossEntropy: target[4999] is 3.',
    )
    expect(told(() => accumulator.update(logits, [0]))).toContain('ERR_SHAPE')
    expect([accumulator.value, accumulator.count, accumulator.toBytes()]).toEqual(before)

    const first = bce.accumulator()
    expect(told(() => first.update([0.5, 2], [0, 1]))).toContain('ERR_DOMAIN')
    expect(first.toBytes()).toEqual(bce.accumulator().toBytes())
  })

  it('keeps the type of its first rows', () => {
    const accumulator = mse.accumulator().update(pred, target)
    expect(told(() => accumulator.update([1], [1]))).toBe(
      'ERR_DTYPE: mse: this batch is computed in float64, those before it in float32. An accumulator keeps one type: convert ' +
        'the batch, or start another accumulator.',
    )
    expect(accumulator.count).toBe(4)
  })

  it('takes an empty batch of any type without a trace', () => {
    const accumulator = mse.accumulator().update([], [])
    expect(accumulator.toBytes()).toEqual(mse.accumulator().toBytes())
    accumulator.update(pred, target).update(new Float32Array(0), [])
    expect(accumulator.toBytes()).toEqual(mse.accumulator().update(pred, target).toBytes())
  })

  it('refuses options that belong elsewhere', () => {
    expect(told(() => untyped(mse.accumulator)({ weight: pred }))).toContain(
      'ERR_OPTION: mse: there is no option weight here. The options are reduction, divisor, onEmpty and backend.',
    )
    expect(told(() => untyped(mse.accumulator)({ reduction: 'none' }))).toBe(
      "ERR_OPTION: mse: reduction is 'none'. It must be 'mean' or 'sum'.",
    )
    expect(
      told(() => untyped(crossEntropy.accumulator)().update(logits, [0, 1], { weight: [1, 2, 3] })),
    ).toContain('ERR_OPTION: crossEntropy: there is no option weight here.')
    expect(told(() => untyped(huber.accumulator)({ delta: -1 }))).toContain('ERR_OPTION: huber: delta is -1.')
  })
})

describe('merging', () => {
  it('adds what the other one holds, and leaves it alone', () => {
    const left = mse.accumulator().update(pred.subarray(0, 1), target.subarray(0, 1))
    const right = mse.accumulator().update(pred.subarray(1), target.subarray(1))
    const before = right.toBytes()
    expect(left.merge(right)).toBe(left)
    expect(left.value).toBe(3.5)
    expect(left.toBytes()).toEqual(mse.accumulator().update(pred, target).toBytes())
    expect(right.toBytes()).toEqual(before)
  })

  it('with one that was never updated changes nothing, in either direction', () => {
    const full = mse.accumulator().update(pred, target)
    expect(full.merge(mse.accumulator()).value).toBe(3.5)
    const empty = mse.accumulator().merge(full)
    expect(empty.toBytes()).toEqual(full.toBytes())
    // A copy: the two do not grow together.
    empty.update(pred, target)
    expect(full.count).toBe(4)
  })

  it('is refused for another loss, other options, another type, and what is none', () => {
    const merge = (to: unknown, from: unknown) =>
      told(() => (to as { merge(other: unknown): void }).merge(from))
    expect(merge(mse.accumulator(), mae.accumulator())).toBe(
      'ERR_STATE: mse: cannot merge an accumulator of mae.',
    )
    expect(merge(huber.accumulator(), huber.accumulator({ delta: 2 }))).toBe(
      'ERR_STATE: huber: cannot merge: delta is 1 here and 2 in the other accumulator. Their options must be the same.',
    )
    const weighted = (weight: number[] | Float64Array) => crossEntropy.accumulator({ weight })
    expect(merge(weighted([1, 2, 3]), crossEntropy.accumulator())).toContain(
      'weight is a tensor here and absent in the other accumulator',
    )
    expect(merge(weighted([1, 2, 3]), weighted([1, 2, 4]))).toContain(
      'weight is one tensor here and another in the other accumulator',
    )
    weighted([1, 2, 3]).merge(weighted(Float64Array.of(1, 2, 3)))
    const narrow = mse.accumulator().update(pred, target)
    expect(merge(narrow, mse.accumulator().update([1], [1]))).toBe(
      'ERR_STATE: mse: cannot merge: the sum is of float32 here and of float64 in the other accumulator.',
    )
    expect(merge(narrow, {})).toContain('ERR_STATE: mse: cannot merge an object.')
    expect(merge(narrow, undefined)).toContain('ERR_STATE: mse: cannot merge undefined.')
  })

  it('does not ask how a mean is divided: that is what each one makes of the sum', () => {
    const mean = mse.accumulator().update(pred, target)
    const sum = mse.accumulator({ reduction: 'sum', divisor: 3 }).merge(mean)
    expect(sum.value).toBe(14)
    expect(sum.toBytes()).toEqual(mean.toBytes())
  })
})

describe('bytes', () => {
  const bytes = huber.accumulator({ delta: 2 }).update(pred, target).toBytes()

  it('bring their options with them, and accept the same ones', () => {
    for (const options of [undefined, { delta: 2 }, { reduction: 'mean' as const }]) {
      const restored = huber.accumulator.fromBytes(bytes, options)
      expect(restored.value).toBe(huber(pred, target, { delta: 2 }))
      restored.update(pred, target)
      const whole = huber.accumulator({ delta: 2 }).update(pred, target).update(pred, target)
      expect(restored.toBytes()).toEqual(whole.toBytes())
    }
  })

  it('are refused under other options', () => {
    expect(told(() => huber.accumulator.fromBytes(bytes, { delta: 1 }))).toBe(
      'ERR_STATE: huber: these bytes belong to other options: delta is 1 in the options and 2 in the bytes.',
    )
    const weighted = crossEntropy.accumulator({ weight: [1, 2, 3] }).toBytes()
    expect(told(() => crossEntropy.accumulator.fromBytes(weighted, { weight: [3, 2, 1] }))).toContain(
      'weight is one tensor in the options and another in the bytes',
    )
    const plain = crossEntropy.accumulator().toBytes()
    expect(told(() => crossEntropy.accumulator.fromBytes(plain, { weight: [3, 2, 1] }))).toContain(
      'weight is a tensor in the options and absent in the bytes',
    )
  })

  it('hold fingerprints of tensors only: enough to merge, too little for more rows', () => {
    const weight = [1, 2, 3]
    const whole = crossEntropy.accumulator({ weight }).update(logits, [0, 1])
    const restored = crossEntropy.accumulator.fromBytes(whole.toBytes())
    expect(restored.value).toBe(whole.value)
    expect(restored.merge(whole).count).toBe(4)
    expect(told(() => restored.update(logits, [0, 1]))).toBe(
      'ERR_STATE: crossEntropy: this accumulator was read from bytes, which do not hold weight. To add to it, give weight to ' +
        'fromBytes.',
    )
    const complete = crossEntropy.accumulator.fromBytes(restored.toBytes(), { weight })
    expect(complete.update(logits, [0, 1]).count).toBe(6)
  })

  it('hold a positive weight that is a number', () => {
    const number = bceWithLogits.accumulator({ posWeight: 3 }).update([0], [1])
    const restored = bceWithLogits.accumulator.fromBytes(number.toBytes()).update([0], [1])
    expect(restored.value).toBe(bceWithLogits([0], [1], { posWeight: 3 }))
    const tensor = bceWithLogits.accumulator({ posWeight: [3, 1] }).toBytes()
    expect(told(() => bceWithLogits.accumulator.fromBytes(tensor).update([0, 0], [1, 1]))).toContain(
      'do not hold posWeight',
    )
  })

  it('of an accumulator that was never updated take rows of any type', () => {
    const empty = mse.accumulator().toBytes()
    expect(mse.accumulator.fromBytes(empty).update(pred, target).value).toBe(3.5)
    expect(mse.accumulator.fromBytes(empty).update([3], [1]).value).toBe(4)
  })

  it('may come in a Buffer, and at any address', () => {
    const shifted = new Uint8Array(bytes.length + 3)
    shifted.set(bytes, 3)
    const value = huber(pred, target, { delta: 2 })
    expect(huber.accumulator.fromBytes(shifted.subarray(3)).value).toBe(value)
    expect(huber.accumulator.fromBytes(Buffer.from(bytes)).value).toBe(value)
  })

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'bytes are undefined. They must be the Uint8Array that toBytes gave.'],
    ['an ArrayBuffer', bytes.buffer, 'bytes are an object. They must be the Uint8Array that toBytes gave.'],
    ['no bytes', new Uint8Array(0), 'these bytes are not an accumulator of losskit.'],
    ['zeros', new Uint8Array(500), 'these bytes are not an accumulator of losskit.'],
    [
      'a later format',
      bytes.map((byte, i) => (i === 7 ? 2 : byte)),
      'these bytes have format 2, this version of losskit reads format 1.',
    ],
    ['a part', bytes.subarray(0, -1), 'these bytes are damaged or cut off.'],
    [
      'one bit less',
      bytes.map((byte, i) => (i === bytes.length - 5 ? byte ^ 1 : byte)),
      'these bytes are damaged or cut off.',
    ],
    ['another loss', mse.accumulator().toBytes(), 'these bytes are an accumulator of mse.'],
  ])('are refused: %s', (_, given, message) => {
    expect(told(() => untyped(huber.accumulator).fromBytes(given))).toBe(`ERR_STATE: huber: ${message}`)
  })

  /** Bytes whose checksum is right, so that what they say is looked at. */
  const sealed = (description: string, state: Uint8Array) => {
    const text = Buffer.from(description)
    const all = Buffer.concat([Buffer.from('LOSSKIT\x01'), Buffer.alloc(8), text, state])
    all.writeUInt32LE(text.length, 12)
    all.writeUInt32LE(crc32(all.subarray(12)), 8)
    return new Uint8Array(all)
  }
  const end = 16 + Buffer.from(bytes).readUInt32LE(12)
  const state = bytes.slice(end)

  it('are refused or harmless whatever they say', () => {
    expect(sealed(Buffer.from(bytes).toString('utf8', 16, end), state)).toEqual(bytes)
    const option = fc.oneof(fc.double(), fc.string(), fc.constant(2), fc.constant(null), fc.constant({}))
    const description = fc.oneof(
      fc.json(),
      fc.string(),
      fc.record({ loss: fc.constant('huber'), options: fc.jsonValue() }).map(value => JSON.stringify(value)),
      fc
        .record({ loss: fc.constant('huber'), options: fc.record({ delta: option }) })
        .map(value => JSON.stringify(value)),
      fc.constant('{"loss":"huber","options":{"delta":2,"__proto__":3}}'),
      fc.constant('{"loss":"huber","options":{"delta":1e999}}'),
    )
    const anyState = fc.oneof(
      fc.constant(state),
      fc.uint8Array({ maxLength: 2 * state.length }),
      fc
        .tuple(fc.nat(state.length - 1), fc.nat(255))
        .map(([at, byte]) => state.map((b, i) => (i === at ? byte : b))),
    )
    let read = 0
    fc.assert(
      fc.property(description, anyState, (text, stateBytes) => {
        let restored: ReturnType<typeof huber.accumulator>
        try {
          restored = huber.accumulator.fromBytes(sealed(text, stateBytes))
        } catch (error) {
          expect((error as { code: string }).code).toBe('ERR_STATE')
          return
        }
        read++
        expect(typeof restored.value).toBe('number')
        expect(restored.count).toBeGreaterThanOrEqual(0)
        restored.merge(huber.accumulator.fromBytes(restored.toBytes()))
        expect(typeof restored.value).toBe('number')
      }),
      { numRuns: 5000, seed: 1 },
    )
    expect(read).toBeGreaterThan(100)
  })

  it('are refused or harmless wherever they are changed', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1 }), changes => {
        const changed = bytes.slice()
        for (const [at, byte] of changes) changed[at] = byte
        fc.pre(!Buffer.from(changed).equals(bytes))
        expect(told(() => huber.accumulator.fromBytes(changed))).toContain('ERR_STATE')
      }),
      { numRuns: 2000, seed: 2 },
    )
  })
})

describe('asynchronous updates', () => {
  it('may be under way together: the order does not matter', async () => {
    const accumulator = mse.accumulator()
    const parts = Array.from({ length: 20 }, (_, i) =>
      Float32Array.from({ length: 1000 }, (_, j) => i + j / 7),
    )
    await Promise.all(parts.map(part => accumulator.updateAsync(part, new Float32Array(1000))))
    const whole = mse.accumulator()
    for (const part of parts) whole.update(part, new Float32Array(1000))
    expect(accumulator.toBytes()).toEqual(whole.toBytes())
  })

  it('give the accumulator', async () => {
    const accumulator = mse.accumulator()
    expect(await accumulator.updateAsync(pred, target, { weight: [1, 1, 1, 0] })).toBe(accumulator)
    expect(accumulator.value).toBe(1.25)
  })

  it('leave no trace when they are refused or aborted', async () => {
    const accumulator = crossEntropy.accumulator()
    const before = accumulator.toBytes()
    expect((await rejected(accumulator.updateAsync(logits, [0, 5]))).code).toBe('ERR_LABEL')
    expect((await rejected(accumulator.updateAsync(logits, [0]))).code).toBe('ERR_SHAPE')
    const reason = new Error('enough')
    const signal = AbortSignal.abort(reason)
    await expect(accumulator.updateAsync(logits, [0, 1], { signal })).rejects.toBe(reason)
    expect(accumulator.toBytes()).toEqual(before)
  })

  it('of two types, both the first, end with one of them', async () => {
    const accumulator = mse.accumulator()
    const outcomes = await Promise.allSettled([
      accumulator.updateAsync(pred, target),
      accumulator.updateAsync([1, 2, 3, 4], [1, 1, 1, 1]),
    ])
    const failed = outcomes.filter(outcome => outcome.status === 'rejected')
    expect(failed.map(({ reason }) => reason.code)).toEqual(['ERR_DTYPE'])
    expect(accumulator.count).toBe(4)
  })
})
