import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type LossOptions, lossNames } from '../../lib/evaluate/catalogue.ts'
import { DataError } from '../../lib/evaluate/errors.ts'
import { evaluate } from '../../lib/evaluate/evaluate.ts'
import type { Plan, Question } from '../../lib/evaluate/plan.ts'
import { type Report, toJson } from '../../lib/evaluate/report.ts'
import type { Source } from '../../lib/evaluate/source.ts'
import { openInputs } from '../../lib/evaluate/sources/open.ts'
import * as losskit from '../../lib/index.ts'
import { npy, testFolder } from './files.ts'
import { type MemoryColumn, memorySource } from './memory-source.ts'

const folder = testFolder()

const ask = (...losses: (Question['loss'] | [Question['loss'], LossOptions])[]): Plan => ({
  losses: losses.map(loss =>
    Array.isArray(loss) ? { loss: loss[0], options: loss[1] } : { loss, options: {} },
  ),
})

const sums = (plan: Plan): Plan => ({ ...plan, reduction: 'sum' })

const values = ({ losses }: Report) => losses.map(({ value }) => value)

/** `columns` as one batch. */
const once = (...columns: MemoryColumn[]): Source => {
  const [{ data, rowShape = [] } = { data: [] }] = columns
  return memorySource(columns, [data.length / rowShape.reduce((a, b) => a * b, 1)])
}

const logits: MemoryColumn = {
  name: 'logits',
  data: Float64Array.of(1, 2, 3, 1, 2, 3, 0, 0, 0),
  rowShape: [3],
}

describe('the catalogue', () => {
  it('holds the losses that compare predictions with targets, by element or by class', () => {
    expect(lossNames).toEqual(
      expect.arrayContaining(['mse', 'huber', 'bce', 'bceWithLogits', 'crossEntropy', 'nll']),
    )
    for (const other of ['dice', 'ctc', 'thresholdedIou']) expect(lossNames).not.toContain(other)
    for (const name of lossNames) expect(Object.keys(losskit)).toContain(name)
  })
})

describe('evaluating', () => {
  // Closed forms: errors pred - target are 0, 1, 2.
  it('computes several losses in one pass', async () => {
    const source = once(
      { name: 'p', data: Float64Array.of(1, 2, 3) },
      { name: 't', data: Float64Array.of(1, 1, 1) },
    )
    const report = await evaluate(source, ask('mse', 'mae', 'mbe', 'huber', ['huber', { delta: 2 }]))
    expect(values(report)).toEqual([5 / 3, 1, -1, 2 / 3, 2.5 / 3])
    expect(report).toMatchObject({
      rows: 3,
      losses: [{ count: 3 }, {}, {}, { options: {} }, { options: { delta: 2 } }],
    })
  })

  it('sums where that is asked for, and says so', async () => {
    const source = once(
      { name: 'p', data: Float64Array.of(1, 2, 3) },
      { name: 't', data: Float64Array.of(1, 1, 1) },
    )
    const report = await evaluate(source, sums(ask('mse')))
    expect(report.losses).toEqual([{ loss: 'mse', options: { reduction: 'sum' }, value: 5, count: 3 }])
  })

  // Rows [1, 2, 3] with labels 2 and 0 cost 0.407605964 and 2.407605964 (log-softmax of [1, 2, 3] by hand).
  it('leaves ignored labels out of the mean and the count', async () => {
    const report = await evaluate(
      once(logits, { name: 'y', data: Int32Array.of(2, 0, -100) }),
      ask('crossEntropy'),
    )
    expect(values(report)[0]).toBeCloseTo(1.407605964, 8)
    expect(report.losses[0]?.count).toBe(2)
    expect(report.rows).toBe(3)
  })

  it.each([
    [{ weight: [1, 2, 3] }, 0.907605964],
    [{ weight: [1, 2, 3], labelSmoothing: 0.1 }, 0.924272631],
    [{ labelSmoothing: 0.1 }, 1.407605964],
    [{ ignoreIndex: 0 }, 0.407605964],
  ] as [{ weight?: number[]; labelSmoothing?: number; ignoreIndex?: number }, number][])(
    'passes on the options %j',
    async (options, value) => {
      const labels = Int32Array.of(2, 0, options.ignoreIndex ?? -100)
      const report = await evaluate(once(logits, { name: 'y', data: labels }), ask(['crossEntropy', options]))
      expect(values(report)[0]).toBeCloseTo(value, 8)
      expect(report.losses[0]?.options).toEqual(options)
    },
  )

  // bceWithLogits at 0 is log 2 for either target; posWeight 3 makes it 3 log 2 for target 1.
  it('passes on a posWeight for every column', async () => {
    const source = once(
      { name: 'x', data: new Float32Array(4), rowShape: [2] },
      { name: 't', data: Float32Array.of(1, 1, 0, 0), rowShape: [2] },
    )
    const report = await evaluate(source, sums(ask(['bceWithLogits', { posWeight: [3, 1] }])))
    expect(values(report)[0]).toBeCloseTo(6 * Math.LN2, 6)
  })

  it('gives the bits of one call in memory, however the rows are cut', async () => {
    const questions = ask('mse', 'mae', 'mbe', ['huber', { delta: 0.5 }], 'bce', [
      'bceWithLogits',
      { posWeight: 2 },
    ])
    const rows = 200
    const pred = Float32Array.from({ length: rows }, (_, i) => (Math.sin(i * 12.9898) + 1) / 2)
    const target = Float32Array.from({ length: rows }, (_, i) => (i * 7) % 2)
    const expected = [
      losskit.mse(pred, target),
      losskit.mae(pred, target),
      losskit.mbe(pred, target),
      losskit.huber(pred, target, { delta: 0.5 }),
      losskit.bce(pred, target),
      losskit.bceWithLogits(pred, target, { posWeight: 2 }),
    ]
    const fingerprints = new Set<string>()
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 10 }), async cuts => {
        const sum = cuts.reduce((a, b) => a + b, 0)
        const whole = sum > rows ? [rows] : [...cuts, ...(sum < rows ? [rows - sum] : [])]
        const source = memorySource(
          [
            { name: 'p', data: pred.slice() },
            { name: 't', data: target.slice() },
          ],
          whole,
        )
        const report = await evaluate(source, questions)
        expect(values(report)).toEqual(expected)
        fingerprints.add(report.fingerprint)
      }),
      { numRuns: 50 },
    )
    expect(fingerprints.size).toBe(1)
  })

  it('never mixes the batch that is read into the batch that is computed', async () => {
    const rows = 2 ** 21
    const p = Float32Array.from({ length: rows }, (_, i) => Math.sin(i))
    const t = Float32Array.from({ length: rows }, (_, i) => Math.cos(i))
    const pred = folder.write('sin.npy', npy(p))
    const target = folder.write('cos.npy', npy(t))
    const expected = [losskit.bceWithLogits(p, t), losskit.mse(p, t)]
    for (const chunkRows of [1000, 100_000, undefined]) {
      const source = await openInputs({ pred, target }, { chunkRows, wholeRows: false })
      expect(values(await evaluate(source, ask('bceWithLogits', 'mse')))).toEqual(expected)
    }
  })

  it('has a fingerprint that does not depend on the order of the rows, but on everything else', async () => {
    const run = async (p: number[], t: number[], plan = ask('mse')) => {
      const source = once(
        { name: 'p', data: Float64Array.from(p) },
        { name: 't', data: Float64Array.from(t) },
      )
      return (await evaluate(source, plan)).fingerprint
    }
    const one = await run([1, 2, 4], [0, 0, 0])
    expect(one).toMatch(/^[0-9a-f]{64}$/)
    expect(await run([4, 1, 2], [0, 0, 0])).toBe(one)
    const others = [
      await run([1, 2, 5], [0, 0, 0]),
      await run([1, 2, 4, 0], [0, 0, 0, 0]),
      await run([1, 2, 4], [0, 0, 0], ask('mae')),
      await run([1, 2, 4], [0, 0, 0], ask(['huber', { delta: 9 }])),
      await run([1, 2, 4], [0, 0, 0], sums(ask('mse'))),
    ]
    expect(new Set([one, ...others]).size).toBe(6)
  })

  it('lets the event loop run while it computes', async () => {
    const turnsOf = async (numbers: number) => {
      const source = once(
        { name: 'x', data: new Float32Array(numbers).fill(0.3) },
        { name: 't', data: new Float32Array(numbers).fill(0.7) },
      )
      let turns = 0
      const count = () => {
        turns++
        immediate = setImmediate(count)
      }
      let immediate = setImmediate(count)
      await evaluate(source, ask('bceWithLogits', 'bce', 'mse'))
      clearImmediate(immediate)
      return turns
    }
    // Awaits give some turns, as many whatever there is to compute; computing on the loop would give no more.
    const ofAwaits = await turnsOf(1)
    expect(await turnsOf(2 ** 22)).toBeGreaterThan(4 * ofAwaits)
  })

  it('stops when it is aborted, and closes its source', async () => {
    const cuts = Array.from({ length: 100 }, () => 1)
    const source = memorySource(
      [
        { name: 'p', data: new Float32Array(100) },
        { name: 't', data: new Float32Array(100) },
      ],
      cuts,
    )
    const controller = new AbortController()
    let seen = 0
    const running = evaluate(source, ask('mse'), {
      signal: controller.signal,
      onProgress: ({ rows }) => {
        seen = rows
        if (rows === 3) controller.abort()
      },
    })
    await expect(running).rejects.toMatchObject({ name: 'AbortError' })
    expect(seen).toBe(3)
    expect(source.closed).toBeGreaterThan(0)
  })

  it('closes its source also when it fails', async () => {
    const source = memorySource(
      [
        { name: 'p', data: new Float32Array(2) },
        { name: 't', data: new Float32Array(4), rowShape: [2] },
      ],
      [2],
    )
    await expect(evaluate(source, ask('mse'))).rejects.toBeInstanceOf(DataError)
    expect(source.closed).toBeGreaterThan(0)
  })

  it('refuses inputs without rows', async () => {
    const source = memorySource(
      [
        { name: 'p.npy', data: new Float32Array(0) },
        { name: 't', data: new Float32Array(0) },
      ],
      [],
    )
    await expect(evaluate(source, ask('mse'))).rejects.toThrow('p.npy: there are no rows to evaluate.')
  })
})

describe('shapes', () => {
  const zeros = (name: string, rowShape: number[], rows = 2): MemoryColumn => ({
    name,
    rowShape,
    data: new Float32Array(rows * rowShape.reduce((a, b) => a * b, 1)),
  })

  it('of (rows, 1) and (rows,) are the same', async () => {
    const report = await evaluate(once(zeros('p', [1]), zeros('t', [])), ask('mse'))
    expect(report.losses[0]).toMatchObject({ value: 0, count: 2 })
    const labels = { name: 'y', data: Int32Array.of(1, 0), rowShape: [1] }
    const classes = await evaluate(once(zeros('z', [2]), labels), ask('crossEntropy'))
    expect(values(classes)[0]).toBeCloseTo(Math.LN2, 6)
  })

  it('with more dimensions are compared number by number', async () => {
    const report = await evaluate(once(zeros('p', [2, 3]), zeros('t', [2, 3])), ask('mse'))
    expect(report.losses[0]).toMatchObject({ value: 0, count: 12 })
    expect(report.rows).toBe(2)
  })

  it.each([
    [zeros('p.npy', [2]), zeros('y.npy', []), 'mse', 'p.npy has shape (rows, 2), y.npy has shape (rows,).'],
    [zeros('p.npy', []), zeros('y.npy', []), 'crossEntropy', 'takes predictions of shape (rows, classes)'],
    [
      zeros('p.npy', [2, 3]),
      zeros('y.npy', []),
      'crossEntropy',
      'takes predictions of shape (rows, classes)',
    ],
    [
      zeros('p.npy', [3]),
      zeros('y.npy', [2]),
      'crossEntropy',
      'one label for each row, or a probability for each class',
    ],
  ] as const)('that do not fit are refused: %o %o %s', async (pred, target, loss, message) => {
    await expect(evaluate(once(pred, target), ask(loss))).rejects.toThrow(message)
    await expect(evaluate(once(pred, target), ask(loss))).rejects.toBeInstanceOf(DataError)
  })

  it('of weights: one for each row or one for each number', async () => {
    const run = async (weight: MemoryColumn) => {
      const pred = { name: 'p', data: Float32Array.of(1, 1, 1, 1), rowShape: [2] }
      return values(await evaluate(once(pred, zeros('t', [2]), weight), sums(ask('mse'))))[0]
    }
    expect(await run({ name: 'w', data: Float32Array.of(3, 10) })).toBe(26)
    expect(await run({ name: 'w', data: Float32Array.of(1, 2, 3, 4), rowShape: [2] })).toBe(10)
    await expect(run(zeros('w.npy', [3]))).rejects.toThrow(
      'w.npy has shape (rows, 3), p has shape (rows, 2). Give one weight for each row or for each prediction.',
    )
  })

  it('refuses probabilities for a loss that takes labels only', async () => {
    await expect(evaluate(once(zeros('z', [2]), zeros('q', [2])), ask('nll'))).rejects.toMatchObject({
      code: 'ERR_DTYPE',
    })
  })
})

describe('types', () => {
  const pred = Float32Array.of(0.1, 0.7, 0.4)
  const wide = Float64Array.from(pred)
  const targets = [1, 0, 1]

  it.each([
    Int8Array.from(targets),
    Uint8Array.from(targets),
    Int16Array.from(targets),
    Uint16Array.from(targets),
    Int32Array.from(targets),
    Uint32Array.from(targets),
    BigInt64Array.from(targets, BigInt),
    Float32Array.from(targets),
  ])('of 0/1 targets do not matter: %o', async data => {
    const report = await evaluate(once({ name: 'p', data: pred }, { name: 't', data }), ask('bce'))
    expect(values(report)).toEqual([losskit.bce(pred, Float32Array.from(targets))])
  })

  it.each([
    Int8Array.from([2, 0, 1]),
    Uint8Array.from([2, 0, 1]),
    Int16Array.from([2, 0, 1]),
    Uint16Array.from([2, 0, 1]),
    Int32Array.from([2, 0, 1]),
    Uint32Array.from([2, 0, 1]),
    BigInt64Array.from([2n, 0n, 1n]),
    Float32Array.from([2, 0, 1]),
    Float64Array.from([2, 0, 1]),
  ])('of labels do not matter: %o', async data => {
    const report = await evaluate(once(logits, { name: 'y', data }), ask('crossEntropy'))
    const scores = { data: logits.data as Float64Array, shape: [3, 3] }
    expect(values(report)).toEqual([losskit.crossEntropy(scores, Int32Array.of(2, 0, 1))])
  })

  it('are widened to float64 where any input has it, so nothing is rounded', async () => {
    const target = Float64Array.of(0.1, 0.2, 0.3)
    const expected = losskit.mse(wide, target)
    const report = await evaluate(once({ name: 'p', data: pred }, { name: 't', data: target }), ask('mse'))
    expect(values(report)).toEqual([expected])
    expect(expected).not.toBe(losskit.mse(pred, Float32Array.from(target)))
    const weight = Float64Array.of(0.1, 0.2, 0.3)
    const weighted = await evaluate(
      once(
        { name: 'p', data: pred },
        { name: 't', data: Float32Array.from(target) },
        { name: 'w', data: weight },
      ),
      ask('mse'),
    )
    expect(values(weighted)).toEqual([
      losskit.mse(wide, Float64Array.from(Float32Array.from(target)), { weight }),
    ])
  })

  it('of predictions may be half precision or whole numbers', async () => {
    const half: MemoryColumn = { name: 'p', data: Uint16Array.of(0x3c00, 0x4000), dtype: 'float16' }
    for (const data of [Float32Array.of(0, 0), Float64Array.of(0, 0), Int8Array.of(0, 0)]) {
      expect(values(await evaluate(once(half, { name: 't', data }), ask('mse')))).toEqual([2.5])
    }
    for (const data of [
      Int8Array.of(1, 2),
      Uint16Array.of(1, 2),
      Int32Array.of(1, 2),
      BigInt64Array.of(1n, 2n),
    ]) {
      const zeros = { name: 't', data: Float32Array.of(0, 0) }
      expect(values(await evaluate(once({ name: 'p', data }, zeros), ask('mse')))).toEqual([2.5])
    }
  })

  it('of probabilities may be whole numbers: a one-hot target', async () => {
    const scores = { data: logits.data as Float64Array, shape: [3, 3] }
    const hot = Uint8Array.of(0, 0, 1, 1, 0, 0, 0, 1, 0)
    const report = await evaluate(once(logits, { name: 'q', data: hot, rowShape: [3] }), ask('crossEntropy'))
    const expected = losskit.crossEntropy(scores, { data: Float32Array.from(hot), shape: [3, 3] })
    expect(values(report)).toEqual([expected])
  })
})

describe('refused values', () => {
  it('are named by file and row, across batches', async () => {
    const pred = folder.write('scores.npy', npy(new Float32Array(30), { shape: [10, 3] }))
    const target = folder.write('labels.npy', npy(Uint8Array.of(0, 1, 2, 0, 1, 2, 0, 7, 2, 0)))
    const source = await openInputs({ pred, target }, { chunkRows: 4, wholeRows: true })
    await expect(evaluate(source, ask('crossEntropy'))).rejects.toThrow(
      `${target}: row 7: crossEntropy: target is 7. A class label must be from 0 to 2`,
    )
  })

  it('are named by file, column and line in CSV', async () => {
    const file = folder.write('scores.csv', 'p,t\n0.5,1\n0.5,0\n1.5,1\n')
    const source = await openInputs({ file, pred: 'p', target: 't' }, { chunkRows: 2, wholeRows: false })
    await expect(evaluate(source, ask('bce'))).rejects.toThrow(
      `${file}, column "p": line 4: bce: pred is 1.5.`,
    )
  })

  it('are found in the target, too', async () => {
    const file = folder.write('targets.csv', 'p,t\n0.5,1\n0.5,-1\n')
    const source = await openInputs({ file, pred: 'p', target: 't' }, { wholeRows: false })
    await expect(evaluate(source, ask('bce'))).rejects.toThrow(
      `${file}, column "t": line 3: bce: target is -1.`,
    )
  })

  it('keep their row where predictions have several columns, in half precision', async () => {
    const bits = Uint16Array.of(0x3800, 0x3800, 0x3800, 0x4000)
    const pred = folder.write('half.npy', npy(bits, { descr: '<f2', shape: [2, 2] }))
    const target = folder.write('ones.npy', npy(Uint8Array.of(1, 1, 1, 1), { shape: [2, 2] }))
    const source = await openInputs({ pred, target }, { wholeRows: false })
    await expect(evaluate(source, ask('bce'))).rejects.toThrow(`${pred}: row 1: bce: pred is 2.`)
  })
})

describe('JSON', () => {
  const report = (value: number): Report => ({
    losses: [{ loss: 'mse', options: {}, value, count: 1 }],
    rows: 1,
    fingerprint: '00',
  })

  it('holds every finite number in full', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), value => {
        fc.pre(!Object.is(value, -0))
        expect((JSON.parse(toJson(report(value))) as Report).losses[0]?.value).toBe(value)
      }),
    )
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('holds %d as a string', value => {
    const held = (JSON.parse(toJson(report(value))) as { losses: { value: unknown }[] }).losses[0]?.value
    expect(held).toBe(String(value))
    expect(Number(held)).toBe(value)
  })
})
