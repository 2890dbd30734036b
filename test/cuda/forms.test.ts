/**
 * Calls that are bound, awaited or added up, over device tensors: what they give is what the processor gives, bit by bit.
 * `npm run test:cuda` runs this on a GPU.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import {
  bce,
  bceWithLogits,
  crossEntropy,
  cuda,
  type DeviceTensor,
  mse,
  rmse,
  thresholdedIou,
} from '../../lib/index.ts'
import { rejected, thrown } from '../lib/thrown.ts'
import { type Batch, EVERY_LOSS, type EveryLoss } from '../support/every-loss/index.ts'
import { Random } from '../support/random.ts'
import { missing } from './devices.ts'
import { expectBits } from './expect-bits.ts'
import {
  type DeviceAccumulator,
  here,
  type Numbers,
  numberOf,
  numbersOf,
  there,
  uploadOptions,
} from './loose.ts'

const collect = globalThis.gc as () => void

/** What the types refuse, to see that it is refused at run time too. */
const loose = (form: unknown) => form as (...given: unknown[]) => unknown

const FACTORS = ['weight', 'posWeight']

async function compareForms(entry: EveryLoss, { inputs, options }: Batch, next: Batch): Promise<void> {
  const gpu = cuda.device(0)
  const { loss, name } = entry
  const [tensors, nextTensors] = [inputs, next.inputs].map(batch => batch.map(input => gpu.upload(input)))
  const uploaded = uploadOptions(gpu, options, FACTORS)
  const hasGrad = Object.keys(entry.places).length > 0

  const bound = there(loss).bind(...(tensors ?? []), { ...uploaded, grad: hasGrad })
  const awaited = await there(loss).async(...(tensors ?? []), uploaded)
  const expected = Float64Array.of(here(loss)(...inputs, options))
  expectBits(Float64Array.of(awaited as number), expected, `${name}: awaited`)
  for (const run of ['first', 'second']) {
    expectBits(Float64Array.of(await numberOf(bound())), expected, `${name}: ${run} run of a bound call`)
    if (!hasGrad) continue
    const gradients = here(loss).grad(...inputs, options)
    for (const key of Object.keys(entry.places)) {
      const found = await numbersOf(bound.grad[key])
      expectBits(found, gradients[key] as Numbers, `${name}: ${run} run of a bound call, gradient of ${key}`)
    }
  }

  for (const reduction of ['mean', 'sum']) {
    const accumulator = loss.accumulator({ ...options, reduction })
    const beside = loss.accumulator({ ...options, reduction })
    const under = [tensors, nextTensors].map(batch =>
      (accumulator as unknown as DeviceAccumulator).updateAsync(...(batch ?? [])),
    )
    await Promise.all(under)
    beside.update(...inputs).update(...next.inputs)
    expect(accumulator.toBytes(), `${name}: the bytes of an accumulator of the ${reduction}`).toEqual(
      beside.toBytes(),
    )
  }
}

describe.skipIf(missing !== undefined)('other forms of every loss have the bits of the processor', () => {
  it.each(EVERY_LOSS)('$name', async entry => {
    for (const type of ['float32', 'float64'] as const) {
      const [batch, next] = [37, 5].map(samples =>
        entry.batch(new Random(samples), Math.min(samples, entry.atMost), type),
      ) as [Batch, Batch]
      await compareForms(entry, batch, { ...next, options: batch.options })
    }
  })
})

describe.skipIf(missing !== undefined)('a bound call of device tensors', () => {
  const gpu = missing === undefined ? cuda.device(0) : (undefined as never)
  const make = (...numbers: number[]) => gpu.upload(Float32Array.from(numbers))
  const target = missing === undefined ? make(1, 1, 1, 1) : (undefined as never)
  const zeroes = missing === undefined ? make(0, 0, 0, 0) : (undefined as never)

  /** Puts the squares of numbers into a tensor. */
  const fill = (out: typeof target, ...roots: number[]) => {
    using tensor = make(...roots)
    mse(tensor, zeroes, { reduction: 'none', out })
  }

  it('computes anew from what the tensors hold, into the same gradient', async () => {
    const pred = make(1, 2, 3, 4)
    const run = mse.bind(pred, target, { grad: true, upstream: 2 })
    const { pred: grad } = run.grad
    expect(await run().read()).toBe(3.5)
    expect(await grad.read()).toEqual(Float32Array.of(0, 1, 2, 3))
    fill(pred, 1, 1, 1, 2)
    expect(await run().read()).toBe(2.25)
    expect(run.grad.pred).toBe(grad)
    expect(await grad.read()).toEqual(Float32Array.of(0, 0, 0, 3))
    const alone = mse.bind(pred, target)
    expect([alone.grad, alone.values]).toEqual([undefined, undefined])
  })

  it('gives every value without reduction, in the same tensor each time, in place too', async () => {
    const run = mse.bind(make(1, 2, 3, 4), target, { reduction: 'none' })
    expect(run()).toBe(run.values)
    expect(await run.values.read()).toEqual(Float32Array.of(0, 1, 4, 9))
    const pred = make(1, 2, 3, 4)
    const over = mse.bind(pred, target, { grad: true, reduction: 'sum', out: { pred } })
    over()
    over()
    expect(await pred.read()).toEqual(Float32Array.of(-2, 2, 6, 10))
  })

  it('gives a number that has to be asked for before the next run', async () => {
    const run = mse.bind(make(1, 2, 3, 4), target)
    const asked = run()
    const reading = asked.read()
    const late = run()
    run()
    expect(await reading).toBe(3.5)
    expect(await asked.read()).toBe(3.5)
    const { code, message } = await rejected(late.read())
    expect([code, message]).toEqual([
      'ERR_STATE',
      'mse: a later run of this bound call has overwritten the value. Ask for it, by read(), before the next run.',
    ])
  })

  it('tells of the data of each run', async () => {
    const probabilities = make(0.5, 0.25)
    const run = bce.bind(probabilities, make(0, 1), { grad: true })
    expect(await run().read()).toBeCloseTo((Math.LN2 + 2 * Math.LN2) / 2, 6)
    mse(make(0, 2), make(0, 0), { reduction: 'none', out: probabilities })
    const value = run()
    for (const reading of [value.read(), run.grad.pred.read()]) {
      expect(await rejected(reading)).toMatchObject({ code: 'ERR_DOMAIN', index: 1, value: 4 })
    }
    mse(make(0.5, 0.5), make(0, 0), { reduction: 'none', out: probabilities })
    run()
    expect(await run.grad.pred.read()).toEqual(
      bce.grad(Float32Array.of(0.25, 0.25), Float32Array.of(0, 1)).pred,
    )
  })

  it('knows how steep a root is in each run, and how many labels count', async () => {
    const pred = make(1, 2, 3, 4)
    const root = rmse.bind(pred, target, { grad: true })
    root()
    fill(pred, 1, 1, 1, 3)
    expect(await root().read()).toBe(4)
    const now = Float32Array.of(1, 1, 1, 9)
    expect(await root.grad.pred.read()).toEqual(rmse.grad(now, Float32Array.of(1, 1, 1, 1)).pred)
    const logits = new Float32Array(6).map((_, i) => i)
    const labels = Int32Array.of(1, 0, 2)
    const counting = crossEntropy.bind(gpu.upload(logits, { shape: [3, 2] }), gpu.upload(labels), {
      grad: true,
      ignoreIndex: 2,
    })
    counting()
    expect(await counting().read()).toBe(
      crossEntropy({ data: logits, shape: [3, 2] }, labels, { ignoreIndex: 2 }),
    )
    expect(await counting.grad.logits.read()).toEqual(
      crossEntropy.grad({ data: logits, shape: [3, 2] }, labels, { ignoreIndex: 2 }).logits,
    )
  })

  it('runs in its stream, and waits for those of its tensors', async () => {
    const [one, two] = [gpu.stream(), gpu.stream()]
    const pred = gpu.upload(new Float32Array(100_000).fill(3), { stream: one })
    const other = gpu.upload(new Float32Array(100_000), { stream: one })
    const run = mse.bind(pred, other, { stream: two })
    expect(await run().read()).toBe(9)
    two.dispose()
    expect(thrown(run)).toMatchObject({
      code: 'ERR_DISPOSED',
      message: expect.stringContaining('This stream'),
    })
    one.dispose()
  })

  it('is refused where the loss would be, and ends with its tensors', async () => {
    const pred = make(1, 2, 3, 4)
    for (const [act, code] of [
      [() => loose(mse.bind)(pred, make(1)), 'ERR_SHAPE'],
      [() => loose(mse.bind)(pred, new Float32Array(4)), 'ERR_BACKEND'],
      [() => loose(mse.bind)(pred, target, { grad: true, out: { pred: target } }), 'ERR_OVERLAP'],
      [() => loose(mse.bind)(pred, target, { backend: 'cpu' }), 'ERR_BACKEND'],
      [() => loose(mse.bind)([1], [1], { stream: gpu.defaultStream }), 'ERR_OPTION'],
      [() => loose(mse.bind)([1], [1], { backend: 'cuda' }), 'ERR_BACKEND'],
    ] as const) {
      expect(thrown(act).code, String(act)).toBe(code)
    }
    const run = mse.bind(pred, target, { grad: true })
    const value = run()
    pred.dispose()
    expect(thrown(run).message).toBe(
      'mse: a tensor of this bound call was disposed of and cannot be used any more.',
    )
    expect(await value.read()).toBe(3.5)
  })

  it('keeps what it needs for as long as it lasts, and no longer', async () => {
    const bind = () => mse.bind(make(1, 2, 3, 4), make(1, 1, 1, 1), { grad: true })
    await gpu.synchronize()
    const { used } = gpu.memory()
    let run: ReturnType<typeof bind> | undefined = bind()
    for (let i = 0; i < 3; i++) {
      collect()
      await pause(1)
    }
    expect(await run().read()).toBe(3.5)
    expect(await run.grad.pred.read()).toEqual(Float32Array.of(0, 0.5, 1, 1.5))
    run = undefined
    for (let i = 0; i < 50 && gpu.memory().used > used; i++) {
      collect()
      await pause(5)
      await gpu.synchronize()
    }
    expect(gpu.memory().used).toBeLessThanOrEqual(used)
  })

  it('may be of a metric', async () => {
    const [pred, truth] = [
      [1, 0, 1],
      [1, 0, 0],
    ].map(row => gpu.upload([row])) as [DeviceTensor<'float32'>, DeviceTensor<'float32'>]
    const run = thresholdedIou.bind(pred, truth)
    expect(await run().read()).toBe(
      thresholdedIou({ data: Float32Array.of(1, 0, 1), shape: [1, 3] }, Float32Array.of(1, 0, 0)),
    )
    expect(run.grad).toBeUndefined()
  })
})

describe.skipIf(missing !== undefined)('an asynchronous call of device tensors', () => {
  const gpu = missing === undefined ? cuda.device(0) : (undefined as never)
  const make = (...numbers: number[]) => gpu.upload(Float32Array.from(numbers))

  it('gives a number, and tensors that hold what they should', async () => {
    const [pred, target] = [make(1, 2, 3, 4), make(1, 1, 1, 1)]
    expect(await mse.async(pred, target)).toBe(3.5)
    const values = await mse.async(pred, target, { reduction: 'none' })
    expect(await values.read()).toEqual(Float32Array.of(0, 1, 4, 9))
    const out = { pred: gpu.tensor('float32', [4]) }
    const grad = await mse.async.grad(pred, target, { out })
    expect(grad.pred).toBe(out.pred)
    const both = await rmse.async.valueAndGrad(pred, target, { stream: gpu.stream() })
    expect(both.value).toBe(Math.sqrt(3.5))
    expect(await both.grad.pred.read()).toEqual(
      rmse.grad(Float32Array.of(1, 2, 3, 4), Float32Array.of(1, 1, 1, 1)).pred,
    )
    const empty = gpu.upload(new Float32Array(0))
    expect(await mse.async(empty, empty, { onEmpty: 'zero' })).toBe(0)
  })

  it('rejects with what is wrong, and leaves no tensor behind', async () => {
    const [pred, target] = [make(0.5, 1.5), make(0, 1)]
    await gpu.synchronize()
    const { used } = gpu.memory()
    for (let i = 0; i < 20; i++) {
      const error = await rejected(bce.async.valueAndGrad(pred, target, { reduction: 'none' }))
      expect(error).toMatchObject({ code: 'ERR_DOMAIN', index: 1 })
    }
    await gpu.synchronize()
    // Outcomes that nobody has collected, but not the forty tensors.
    expect(gpu.memory().used).toBeLessThan(used + 40 * 512)
    expect((await rejected(loose(mse.async)(pred, [1, 2]) as Promise<unknown>)).code).toBe('ERR_BACKEND')
    expect((await rejected(loose(mse.async)(pred, make(1)) as Promise<unknown>)).code).toBe('ERR_SHAPE')
  })

  it('can be given up', async () => {
    const [pred, target] = [make(1, 2), make(1, 1)]
    const reason = new Error('enough')
    const before = mse.async(pred, target, { signal: AbortSignal.abort(reason) })
    await expect(before).rejects.toBe(reason)
    const controller = new AbortController()
    const meanwhile = mse.async(pred, target, { signal: controller.signal })
    controller.abort(reason)
    await expect(meanwhile).rejects.toBe(reason)
  })
})

describe.skipIf(missing !== undefined)('an accumulator of device tensors', () => {
  const gpu = missing === undefined ? cuda.device(0) : (undefined as never)
  const random = new Random(3)
  const rows = (count: number) => ({
    data: Float32Array.from(random.list(3 * count, () => random.normal())),
    shape: [count, 3],
  })
  const labelsOf = (count: number) => Int32Array.from(random.list(count, () => random.integer(3)))

  it('adds batches of here and there to one sum', async () => {
    const batches = [4, 1, 7, 300].map(count => ({ logits: rows(count), labels: labelsOf(count) }))
    const options = { weight: [0.1, 2, 0.7], ignoreIndex: 1 }
    const [mixed, host] = [crossEntropy.accumulator(options), crossEntropy.accumulator(options)]
    await Promise.all(
      batches.map(async ({ logits, labels }, i) => {
        host.update(logits, labels)
        if (i % 2 === 0) return mixed.update(logits, labels)
        return await mixed.updateAsync(gpu.upload(logits), gpu.upload(labels), { stream: gpu.stream() })
      }),
    )
    expect(mixed.toBytes()).toEqual(host.toBytes())
    expect([mixed.value, mixed.count]).toEqual([host.value, host.count])
  })

  it.each([
    ['plain numbers', [0.1, 0.3, 2]],
    ['an array', Float32Array.of(0.1, 0.3, 2)],
    ['half precision', { data: Uint16Array.of(0x3dcd, 0x3f80, 0x4049), dtype: 'bfloat16', shape: [3] }],
  ])('lends it weights that are %s', async (_, weight) => {
    const [logits, labels] = [rows(9), labelsOf(9)]
    for (const data of [logits.data, Float64Array.from(logits.data)]) {
      const batch = { data, shape: logits.shape }
      const accumulator = loose(crossEntropy.accumulator)({ weight }) as ReturnType<
        typeof crossEntropy.accumulator
      >
      const expected = crossEntropy.accumulator.fromBytes(accumulator.toBytes(), { weight: weight as never })
      await accumulator.updateAsync(gpu.upload(batch) as never, gpu.upload(labels))
      expect(accumulator.toBytes()).toEqual(expected.update(batch, labels).toBytes())
    }
  })

  it('lends it a factor that is a number, and takes weights of a batch that lie there', async () => {
    const [pred, target] = [Float32Array.of(0.1, 2, -3), Float32Array.of(1, 0, 1)]
    const [there, here] = [
      bceWithLogits.accumulator({ posWeight: 0.3 }),
      bceWithLogits.accumulator({ posWeight: 0.3 }),
    ]
    const weight = Float32Array.of(1, 0.5, 0.1)
    const [a, b, w] = [pred, target, weight].map(data => gpu.upload(data)) as [
      DeviceTensor<'float32'>,
      DeviceTensor<'float32'>,
      DeviceTensor<'float32'>,
    ]
    await there.updateAsync(a, b, { weight: w })
    expect(there.toBytes()).toEqual(here.update(pred, target, { weight }).toBytes())
  })

  it('stays as it was where a batch is refused', async () => {
    const accumulator = bce.accumulator()
    const [good, bad, target] = [
      [0.5, 0.25],
      [0.5, 2],
      [0, 1],
    ].map(data => gpu.upload(data)) as [
      DeviceTensor<'float32'>,
      DeviceTensor<'float32'>,
      DeviceTensor<'float32'>,
    ]
    await accumulator.updateAsync(good, target)
    const before = accumulator.toBytes()
    const refused = async (act: () => unknown, code: string) => {
      const error = await rejected(act() as Promise<unknown>)
      expect(error.code).toBe(code)
      expect(accumulator.toBytes()).toEqual(before)
    }
    const update = loose(accumulator.updateAsync.bind(accumulator))
    await refused(() => update(bad, target), 'ERR_DOMAIN')
    await refused(() => update(good, [0, 1]), 'ERR_BACKEND')
    await refused(() => update(good, target, { weight: [1, 1] }), 'ERR_BACKEND')
    await refused(() => update(good, gpu.upload([1])), 'ERR_SHAPE')
    const wide = gpu.upload(Float64Array.of(0.5, 0.25))
    await refused(() => update(wide, wide), 'ERR_DTYPE')
    const reason = new Error('enough')
    const signal = AbortSignal.abort(reason)
    await expect(accumulator.updateAsync(good, target, { signal })).rejects.toBe(reason)
    expect(accumulator.toBytes()).toEqual(before)
  })

  it('is not done at once, and says so', () => {
    const pred = gpu.upload([1, 2])
    const accumulator = mse.accumulator()
    const { code, message } = thrown(() => loose(accumulator.update.bind(accumulator))(pred, pred))
    expect([code, message]).toEqual([
      'ERR_BACKEND',
      'mse: mse.accumulator().update() is done when it returns, but pred lies on CUDA device 0, which computes later. Call ' +
        'updateAsync(), or give `await pred.read()`.',
    ])
  })

  it('may insist on the device', async () => {
    const accumulator = mse.accumulator({ backend: 'cuda' })
    const pred = gpu.upload([1, 3])
    await accumulator.updateAsync(pred, gpu.upload([1, 1]))
    expect(accumulator.value).toBe(2)
    expect(thrown(() => accumulator.update([1], [1])).message).toContain(
      "mse: backend is 'cuda', but pred lies in the memory of the host.",
    )
  })

  it('gives what it was lent back', async () => {
    const accumulator = crossEntropy.accumulator({ weight: [1, 2, 3] })
    const [logits, labels] = [gpu.upload(rows(5)), gpu.upload(labelsOf(5))]
    await accumulator.updateAsync(logits, labels)
    await gpu.synchronize()
    const { leaked } = gpu.memory()
    for (let i = 0; i < 200; i++) await accumulator.updateAsync(logits, labels)
    collect()
    await pause(5)
    // Those of other tests, but not two hundred copies of the weights.
    expect(gpu.memory().leaked - leaked).toBeLessThan(100)
  })
})
