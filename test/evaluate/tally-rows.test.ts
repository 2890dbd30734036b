import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { entryOf, lossNames } from '../../lib/evaluate/catalogue.ts'
import { evaluate, tallyOf } from '../../lib/evaluate/evaluate.ts'
import type { Plan } from '../../lib/evaluate/plan.ts'
import type { Source } from '../../lib/evaluate/source.ts'
import { Tally } from '../../lib/evaluate/tally.ts'
import * as losskit from '../../lib/index.ts'
import { type MemoryColumn, memorySource } from './memory-source.ts'

const rows = 300
const classes = 3
const random = (i: number): number => (((Math.sin(i * 12.9898) * 43758.5453) % 1) + 1) % 1
const pred = Float32Array.from({ length: rows }, (_, i) => random(i))
const target = Float32Array.from({ length: rows }, (_, i) => Number(random(i + 1000) > 0.5))
const logits = Float32Array.from({ length: rows * classes }, (_, i) => 4 * random(i + 5000))
const labels = Int32Array.from({ length: rows }, (_, i) => (i % 17 === 0 ? -100 : i % classes))
const names = ['b', 'a', '10', '9']
const ids = Int32Array.from({ length: rows }, (_, i) => Math.floor(random(i + 9000) * names.length))

const columns = (first: number, end: number): MemoryColumn[] => [
  { name: 'p', data: pred.slice(first, end) },
  { name: 't', data: target.slice(first, end) },
]
const classColumns = (first: number, end: number): MemoryColumn[] => [
  { name: 'z', data: logits.slice(first * classes, end * classes), rowShape: [classes] },
  { name: 'y', data: labels.slice(first, end) },
]

/** Rows `first` to before `end` in batches of at most 37, with their groups and their numbers in the whole. */
const source = (make: typeof columns, first = 0, end = rows): Source => {
  const length = end - first
  const cuts = Array.from({ length: Math.ceil(length / 37) }, (_, i) => Math.min(37, length - 37 * i))
  const inner = memorySource(make(first, end), cuts)
  return {
    ...inner,
    async *[Symbol.asyncIterator]() {
      for await (const batch of inner) {
        const start = first + batch.firstRow
        yield { ...batch, firstRow: start, groups: { ids: ids.slice(start, start + batch.rows), names } }
      }
    },
  }
}

const everything = { by: 'segment', quantiles: true, worst: 7, classification: true } as const
const bce: Plan = { losses: [{ loss: 'bce' }, { loss: 'mse' }], ...everything }
const crossEntropy: Plan = { losses: [{ loss: 'crossEntropy' }], ...everything }

describe.each([
  ['numbers', bce, columns],
  ['classes', crossEntropy, classColumns],
] as const)('a tally with all there is, of %s', (_, plan, make) => {
  it('of parts is that of the whole to the byte', async () => {
    const whole = await tallyOf(source(make), plan)
    const cuts = fc.uniqueArray(fc.integer({ min: 0, max: rows }), { maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(cuts, fc.boolean(), async (inner, backwards) => {
        const bounds = [0, ...inner.sort((a, b) => a - b), rows]
        const parts = await Promise.all(
          bounds.slice(1).map((end, i) => tallyOf(source(make, bounds[i], end), plan)),
        )
        if (backwards) parts.reverse()
        const [first, ...others] = parts.map(part => Tally.fromBytes(plan, part.toBytes()))
        for (const other of others) first?.merge(other)
        expect(first?.toBytes()).toEqual(whole.toBytes())
        expect(first?.report()).toEqual(whole.report())
      }),
      { numRuns: 25 },
    )
  })

  it('refuses bytes that were cut off', async () => {
    const bytes = (await tallyOf(source(make), plan)).toBytes()
    for (let length = 0; length < bytes.length; length += 41) {
      expect(() => Tally.fromBytes(plan, bytes.subarray(0, length))).toThrow()
    }
  })
})

describe('bytes of unknown origin', () => {
  it('are a tally or an error with a code, whatever is in them', async () => {
    for (const [plan, make] of [
      [bce, columns],
      [crossEntropy, classColumns],
    ] as const) {
      const bytes = (await tallyOf(source(make), plan)).toBytes()
      const flips = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 })), {
        minLength: 1,
        maxLength: 4,
      })
      fc.assert(
        fc.property(flips, found => {
          const damaged = bytes.slice()
          for (const [at, flip] of found) damaged[at] = (damaged[at] as number) ^ flip
          try {
            Tally.fromBytes(plan, damaged).report()
          } catch (error) {
            expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_(DATA|STATE)$/) })
          }
        }),
        { numRuns: 300 },
      )
    }
  })

  it('of another plan are not merged', async () => {
    const [a, b] = await Promise.all([
      tallyOf(source(columns), bce),
      tallyOf(source(columns), { ...bce, worst: 3 }),
    ])
    expect(() => a?.merge(b as Tally)).toThrow('tallies of different plans cannot be merged.')
  })
})

describe('groups', () => {
  it('have the bits of their rows evaluated alone, in the order of their names', async () => {
    const { losses } = await evaluate(source(columns), bce)
    const expected = ['9', '10', 'a', 'b'].map(name => {
      const own = [...ids.keys()].filter(row => names[ids[row] as number] === name)
      const [p, t] = [pred, target].map(data => Float32Array.from(own, row => data[row] as number))
      return { name, value: losskit.bce(p as Float32Array, t as Float32Array), count: own.length }
    })
    expect(losses[0]?.groups).toEqual(expected)
  })

  it('of classes and weights, too', async () => {
    const own = (id: number) => [...ids.keys()].filter(row => ids[row] === id)
    const { losses } = await evaluate(source(classColumns), crossEntropy)
    const group = own(1)
    const z = Float32Array.from(group.flatMap(row => [...logits.slice(row * classes, (row + 1) * classes)]))
    const y = Int32Array.from(group, row => labels[row] as number)
    expect(losses[0]?.groups?.find(({ name }) => name === 'a')).toEqual({
      name: 'a',
      value: losskit.crossEntropy({ data: z, shape: [group.length, classes] }, y),
      count: y.filter(label => label >= 0).length,
    })

    const weight = Float32Array.from({ length: rows }, (_, i) => random(i + 77))
    const weighted = (first: number, end: number): MemoryColumn[] => [
      ...columns(first, end),
      { name: 'w', data: weight.slice(first, end) },
    ]
    const report = await evaluate(source(weighted), { losses: [{ loss: 'mae' }], by: 'segment' })
    const [p, t, w] = [pred, target, weight].map(data =>
      Float32Array.from(group, row => data[row] as number),
    ) as [Float32Array, Float32Array, Float32Array]
    const alone = losskit.mae(p, t, { weight: w })
    expect(report.losses[0]?.groups?.find(({ name }) => name === 'a')?.value).toBe(alone)
  })

  it('are bounded in number', async () => {
    const many = 100_001
    const inner = memorySource(
      [
        { name: 'p', data: new Float32Array(many) },
        { name: 't', data: new Float32Array(many) },
      ],
      [many],
    )
    const all: Source = {
      ...inner,
      async *[Symbol.asyncIterator]() {
        for await (const batch of inner) {
          yield {
            ...batch,
            groups: {
              ids: Int32Array.from({ length: many }, (_, i) => i),
              names: Array.from({ length: many }, (_, i) => String(i)),
            },
          }
        }
      },
    }
    await expect(evaluate(all, { losses: [{ loss: 'mse' }], by: 'id' })).rejects.toThrow(
      'id: there are more than 100000 groups. Group by a column with fewer different values.',
    )
  })
})

describe('the losses of rows', () => {
  const sorted = (values: Iterable<number>) => [...values].sort((a, b) => a - b)

  it('have quantiles that are right to one part in 256, and an exact range', async () => {
    const { losses } = await evaluate(source(columns), bce)
    const values = sorted(losskit.bce(pred, target, { reduction: 'none' }))
    const found = losses[0]?.quantiles
    expect(found?.min).toBe(values[0])
    expect(found?.max).toBe(values.at(-1))
    expect(found?.nan).toBe(0)
    for (const [name, part] of [
      ['p50', 0.5],
      ['p90', 0.9],
      ['p99', 0.99],
      ['p999', 0.999],
    ] as const) {
      const exact = values[Math.ceil(part * rows) - 1] as number
      expect(Math.abs((found?.[name] ?? 0) / exact - 1)).toBeLessThanOrEqual(2 ** -8)
    }
  })

  it('are exact where they have few bits, of either sign, and leave NaN aside', async () => {
    const data = Float64Array.of(3, -2, Number.NaN, 0, 1, -1, 2, Number.POSITIVE_INFINITY)
    const inner = memorySource(
      [
        { name: 'p', data: new Float64Array(8) },
        { name: 't', data },
      ],
      [8],
    )
    const { losses } = await evaluate(inner, { losses: [{ loss: 'mbe' }], quantiles: true, worst: 3 })
    expect(losses[0]?.quantiles).toEqual({
      min: -2,
      p50: 1,
      p90: Number.POSITIVE_INFINITY,
      p99: Number.POSITIVE_INFINITY,
      p999: Number.POSITIVE_INFINITY,
      max: Number.POSITIVE_INFINITY,
      nan: 1,
    })
    expect(losses[0]?.worst?.map(({ row }) => row)).toEqual([2, 7, 0])
  })

  it('have their worst by number, the first of equals first, with what was predicted', async () => {
    const { losses } = await evaluate(source(columns), bce)
    const values = losskit.mse(pred, target, { reduction: 'none' })
    const expected = [...values.entries()]
      .sort(([i, a], [j, b]) => b - a || i - j)
      .slice(0, 7)
      .map(([row, loss]) => ({
        row,
        loss,
        pred: pred[row],
        target: target[row],
        group: names[ids[row] as number],
      }))
    expect(losses[1]?.worst).toEqual(expected)

    const same = memorySource(
      [
        { name: 'p', data: new Float32Array(50) },
        { name: 't', data: new Float32Array(50) },
      ],
      [20, 30],
    )
    const ties = await evaluate(same, { losses: [{ loss: 'mse' }], worst: 3 })
    expect(ties.losses[0]?.worst?.map(({ row }) => row)).toEqual([0, 1, 2])
  })

  it('of ignored labels are left out', async () => {
    const { losses } = await evaluate(source(classColumns), crossEntropy)
    const scores = { data: logits, shape: [rows, classes] }
    const values = losskit.crossEntropy(scores, labels, { reduction: 'none' })
    const counted = sorted([...values].filter((_, row) => labels[row] !== -100))
    expect(losses[0]?.quantiles?.min).toBe(counted[0])
    expect(losses[0]?.worst?.[0]?.loss).toBe(counted.at(-1))
  })

  it('can be had of every loss', async () => {
    const numbers = (): MemoryColumn[] => [
      { name: 'p', data: pred.slice() },
      { name: 't', data: new Float32Array(rows).fill(1) },
    ]
    const ofClasses = (): MemoryColumn[] => [
      { name: 'z', data: logits.slice(), rowShape: [classes] },
      { name: 'y', data: labels.map(label => Math.max(label, 0)) },
    ]
    for (const loss of lossNames) {
      const make = entryOf(loss).walks === 'rows' ? ofClasses : numbers
      const { losses } = await evaluate(source(make), { losses: [{ loss }], quantiles: true, worst: 1 })
      expect(losses[0]?.quantiles?.max, loss).toBe(losses[0]?.worst?.[0]?.loss)
      expect(losses[0]?.quantiles?.max, loss).toBeGreaterThan(-1e9)
    }
  })

  it('are means where a row holds several values', async () => {
    const inner = memorySource(
      [
        { name: 'p', data: Float64Array.of(1, 3, 0, 4), rowShape: [2] },
        { name: 't', data: new Float64Array(4), rowShape: [2] },
      ],
      [2],
    )
    const { losses } = await evaluate(inner, { losses: [{ loss: 'mse' }, { loss: 'rmse' }], worst: 2 })
    expect(losses.map(({ worst }) => worst)).toEqual([
      [
        { row: 1, loss: 8 },
        { row: 0, loss: 5 },
      ],
      [
        { row: 1, loss: Math.sqrt(8) },
        { row: 0, loss: Math.sqrt(5) },
      ],
    ])
  })
})

describe('classification', () => {
  it('of classes: accuracy, confusion and calibration by hand', async () => {
    const { losses } = await evaluate(source(classColumns), crossEntropy)
    const found = losses[0]?.classification
    const confusion = [
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ]
    const bins = Array.from({ length: 15 }, () => ({ n: 0, p: 0, hit: 0 }))
    for (let row = 0; row < rows; row++) {
      const label = labels[row] as number
      if (label < 0) continue
      const z = [...logits.slice(row * classes, (row + 1) * classes)]
      const best = z.indexOf(Math.max(...z))
      const confidence = 1 / z.reduce((sum, x) => sum + Math.exp(x - (z[best] as number)), 0)
      const line = confusion[label] as number[]
      line[best] = (line[best] as number) + 1
      const bin = bins[Math.min(14, Math.floor(confidence * 15))] as { n: number; p: number; hit: number }
      bin.n++
      bin.p += confidence
      bin.hit += Number(best === label)
    }
    const n = bins.reduce((sum, bin) => sum + bin.n, 0)
    expect(found?.confusion).toEqual(confusion)
    expect(found?.count).toBe(n)
    expect(found?.accuracy).toBe(confusion.reduce((sum, line, i) => sum + (line[i] as number), 0) / n)
    expect(found?.ece).toBeCloseTo(
      bins.reduce((sum, bin) => sum + Math.abs(bin.p - bin.hit) / n, 0),
      5,
    )
    expect(found?.reliability.map(({ count }) => count)).toEqual(bins.filter(b => b.n > 0).map(b => b.n))
  })

  it('of yes or no, the same from probabilities and from logits', async () => {
    const x = Float64Array.from(pred, p => Math.log(p / (1 - p)))
    const logit = memorySource(
      [
        { name: 'x', data: x },
        { name: 't', data: target.slice() },
      ],
      [rows],
    )
    const fromLogits = await evaluate(logit, { losses: [{ loss: 'bceWithLogits' }], classification: true })
    const { losses } = await evaluate(source(columns), bce)
    const [a, b] = [losses[0]?.classification, fromLogits.losses[0]?.classification]
    expect(a?.confusion).toEqual(b?.confusion)
    expect(a?.ece).toBeCloseTo(b?.ece ?? Number.NaN, 6)
    const right = [...pred.keys()].filter(i => Number((pred[i] as number) >= 0.5) === target[i]).length
    expect(a?.accuracy).toBe(right / rows)
    expect(losses[1]?.classification).toBeUndefined()
  })

  it('of yes or no does not count predictions of weight 0, such as a missing row has', async () => {
    const some = { losses: [{ loss: 'bce' }], classification: true }
    const weighted = memorySource(
      [
        { name: 'p', data: Float32Array.of(0.9, 0.8, 0.3) },
        { name: 't', data: Float32Array.of(1, 0, 0) },
        { name: 'w', data: Float32Array.of(1, 0, 2) },
      ],
      [3],
    )
    const { losses } = await evaluate(weighted, some)
    expect(losses[0]?.classification).toMatchObject({ count: 2, accuracy: 1 })
  })
})
