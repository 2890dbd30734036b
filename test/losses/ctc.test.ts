/** CTC against the sum over every alignment, written out: paths of classes, merged and without blanks. */

import { describe, expect, it } from 'vitest'
import { ctc } from '../../lib/index.ts'
import { rejected, told } from '../lib/thrown.ts'
import { expectAllNear, expectAllSame, expectAllUlps } from '../support/expect.ts'
import { FLOATS, floats, held } from '../support/floats.ts'
import { toBfloat16 } from '../support/half.ts'
import { Random } from '../support/random.ts'
import type { ComputeType } from '../support/ulp.ts'

/** What a path of classes says: repeats merged, blanks dropped. */
function spoken(path: readonly number[], blank: number): string {
  return path.filter((label, t) => label !== path[t - 1] && label !== blank).join()
}

function* paths(steps: number, classes: number): Generator<number[]> {
  for (let n = 0; n < classes ** steps; n++) {
    yield Array.from({ length: steps }, (_, t) => Math.floor(n / classes ** t) % classes)
  }
}

interface Truth {
  readonly value: number
  /** p - posterior, [steps, classes] */
  readonly grad: number[]
}

/** One sample: log-probabilities [steps][classes] and its labels. */
function everyPath(logs: readonly number[][], labels: readonly number[], blank = 0): Truth {
  const classes = logs[0]?.length ?? 0
  const wanted = labels.join()
  const shares = logs.map(row => row.map(() => 0))
  let total = 0
  for (const path of paths(logs.length, classes)) {
    if (spoken(path, blank) !== wanted) continue
    const p = Math.exp(path.reduce((sum, label, t) => sum + (logs[t]?.[label] as number), 0))
    total += p
    path.forEach((label, t) => {
      ;(shares[t] as number[])[label] = (shares[t]?.[label] as number) + p
    })
  }
  const grad = logs.flatMap((row, t) =>
    row.map((log, c) => Math.exp(log) - (shares[t]?.[c] as number) / total),
  )
  return { value: -Math.log(total), grad }
}

interface Batch {
  readonly shape: [steps: number, samples: number, classes: number]
  readonly data: number[]
  readonly targets: number[][]
  readonly inputLengths: number[]
  readonly targetLengths: number[]
}

function batch(seed: number, type: ComputeType): Batch {
  const random = new Random(seed)
  const [steps, samples, classes] = [5, 6, 3]
  const data: number[] = []
  for (let i = 0; i < steps * samples; i++) {
    const row = random.list(classes, () => 2 * random.normal())
    const sum = Math.log(row.reduce((all, z) => all + Math.exp(z), 0))
    data.push(...row.map(z => z - sum))
  }
  return {
    shape: [steps, samples, classes],
    data: held(type, data),
    targets: Array.from({ length: samples }, () => random.list(3, () => 1 + random.integer(2))),
    inputLengths: [5, 5, 4, 5, 3, 5],
    targetLengths: [2, 1, 2, 0, 1, 2],
  }
}

function truths({ shape, data, targets, inputLengths, targetLengths }: Batch): Truth[] {
  const [, samples, classes] = shape
  return targets.map((labels, n) => {
    const logs = Array.from({ length: inputLengths[n] as number }, (_, t) =>
      data.slice((t * samples + n) * classes, (t * samples + n + 1) * classes),
    )
    return everyPath(logs, labels.slice(0, targetLengths[n]))
  })
}

/** The gradients of samples in their place, [steps, samples, classes]. */
function placed({ shape }: Batch, grads: readonly (readonly number[])[]): number[] {
  const [steps, samples, classes] = shape
  const all = new Array<number>(steps * samples * classes).fill(0)
  grads.forEach((grad, n) => {
    grad.forEach((g, i) => {
      all[(Math.floor(i / classes) * samples + n) * classes + (i % classes)] = g
    })
  })
  return all
}

describe.each(FLOATS)('ctc in %s', type => {
  const cases = [1, 2, 3, 4].map(seed => batch(seed, type))
  const input = ({ data, shape }: Batch) => ({ data: floats(type, data), shape })

  it('is minus the logarithm of the sum over all alignments', () => {
    for (const one of cases) {
      const truth = truths(one)
      const values = ctc(input(one), one.targets, one.inputLengths, one.targetLengths, { reduction: 'none' })
      // The truth adds up to 3^5 rounded products.
      expectAllUlps(
        values,
        truth.map(({ value }) => value),
        type,
        type === 'float32' ? 1 : 60,
      )
    }
  })

  it('has the probability less the share of the alignments as its gradient', () => {
    for (const one of cases) {
      const truth = truths(one)
      const { grad } = ctc.valueAndGrad(input(one), one.targets, one.inputLengths, one.targetLengths, {
        reduction: 'none',
      })
      const expected = placed(
        one,
        truth.map(t => t.grad),
      )
      const scale = one.data.map(Math.exp)
      expectAllNear(grad.logProbs, expected, type, type === 'float32' ? 1e-6 : 1e-13, { scale })
    }
  })

  it('averages losses per label, and sums losses', () => {
    const one = batch(9, type)
    const truth = truths(one)
    const arguments_ = [input(one), one.targets, one.inputLengths, one.targetLengths] as const
    const perLabel = (n: number) => Math.max(one.targetLengths[n] as number, 1)
    const mean = truth.reduce((sum, { value }, n) => sum + value / perLabel(n), 0) / truth.length
    expect(ctc(...arguments_)).toBeCloseTo(mean, 6)
    expect(ctc(...arguments_, { reduction: 'sum' })).toBeCloseTo(
      truth.reduce((sum, { value }) => sum + value, 0),
      5,
    )
    const expected = placed(
      one,
      truth.map(({ grad }, n) => grad.map(g => g / perLabel(n) / truth.length)),
    )
    expectAllNear(ctc.grad(...arguments_).logProbs, expected, type, 2e-6, { scale: one.data.map(Math.exp) })
    const accumulator = ctc.accumulator()
    accumulator.update(...arguments_)
    expect(accumulator.value).toBe(ctc(...arguments_))
    expect(accumulator.count).toBe(6)
  })

  it('weighs samples', () => {
    const one = batch(5, type)
    const weight = [1, 0, 2, 0.5, 3, 1]
    const plain = ctc(input(one), one.targets, one.inputLengths, one.targetLengths, { reduction: 'none' })
    const weighted = ctc(input(one), one.targets, one.inputLengths, one.targetLengths, {
      reduction: 'none',
      weight,
    })
    expectAllUlps(
      weighted,
      Array.from(plain, (value, n) => value * (weight[n] as number)),
      type,
      1,
    )
  })

  it('is infinite where the labels do not fit, and nothing with zeroInfinity', () => {
    const two = { data: floats(type, new Array(6).fill(Math.log(1 / 3))), shape: [2, 1, 3] }
    // Two equal labels need a blank between: three steps.
    for (const targets of [[[1, 1]], [[1, 2, 1]]]) {
      const lengths = [[2], [targets[0]?.length as number]] as const
      expect(ctc(two, targets, ...lengths)).toBe(Number.POSITIVE_INFINITY)
      expect(Array.from(ctc.grad(two, targets, ...lengths).logProbs)).toEqual(new Array(6).fill(Number.NaN))
      const { value, grad } = ctc.valueAndGrad(two, targets, ...lengths, { zeroInfinity: true })
      expect(value).toBe(0)
      expectAllSame(grad.logProbs, new Array(6).fill(0))
    }
    expect(ctc(two, [[1, 2]], [2], [2])).toBeCloseTo(Math.log(9) / 2, 6)
  })

  it('of no labels is the surprise of nothing but blanks; of no steps 0', () => {
    const logs = floats(type, [-0.5, -2, -0.25, -3])
    const two = { data: logs, shape: [2, 1, 2] }
    expect(ctc(two, { data: new Int32Array(0), shape: [1, 0] }, [2], [0])).toBe(0.75)
    expect(ctc(two, [[1]], [0], [0])).toBe(0)
    expectAllSame(ctc.grad(two, [[1]], [0], [0]).logProbs, [0, 0, 0, 0])
    expect(ctc(two, [[1]], [0], [1])).toBe(Number.POSITIVE_INFINITY)
  })

  it('of no samples is 0 in sum and NaN in the mean', () => {
    const none = { data: floats(type, []), shape: [4, 0, 3] }
    const labels = { data: new Int32Array(0), shape: [0, 2] }
    expect(ctc(none, labels, [], [], { reduction: 'sum' })).toBe(0)
    expect(ctc(none, labels, [], [])).toBeNaN()
    expect(ctc(none, labels, [], [], { onEmpty: 'zero' })).toBe(0)
  })

  it('stays finite where a step has all its weight on one class', () => {
    const inf = Number.NEGATIVE_INFINITY
    const sure = { data: floats(type, [inf, 0, 0, inf, inf, 0]), shape: [3, 1, 2] }
    const { value, grad } = ctc.valueAndGrad(sure, [[1, 1]], [3], [2])
    expect(value).toBe(0)
    expectAllSame(grad.logProbs, [0, 0, 0, 0, 0, 0])
  })

  it('keeps apart what differs by more than a float64 holds as a probability', () => {
    const steps = 60
    const data = floats(
      type,
      Array.from({ length: steps * 2 }, (_, i) => (i % 2 === 0 ? -40 : 0)),
    )
    // Two labels need one blank: 40, at one of the steps between.
    const value = ctc({ data, shape: [steps, 1, 2] }, [[1, 1]], [steps], [2], { reduction: 'sum' })
    expect(value).toBeCloseTo(40 - Math.log(steps - 2), 5)
  })
})

describe('ctc', () => {
  const one = batch(7, 'float32')
  const logProbs = { data: new Float32Array(one.data), shape: one.shape }
  const rest = [one.targets, one.inputLengths, one.targetLengths] as const
  const reference = ctc.valueAndGrad(logProbs, ...rest, { reduction: 'none' })

  it('takes labels one sequence after the other, and any integer type', () => {
    const flat = one.targets.flatMap((labels, n) => labels.slice(0, one.targetLengths[n]))
    const none = { reduction: 'none' } as const
    for (const targets of [
      Int32Array.from(flat),
      BigInt64Array.from(flat, BigInt),
      { data: Uint8Array.from(one.targets.flat()), shape: [6, 3] },
    ]) {
      const lengths = [
        Int16Array.from(one.inputLengths),
        BigInt64Array.from(one.targetLengths, BigInt),
      ] as const
      expect(ctc(logProbs, targets, ...lengths, none)).toEqual(reference.value)
    }
  })

  it('takes one sample without its dimension', () => {
    const single = { data: Float64Array.of(-1, -0.5, -1, -0.5), shape: [2, 2] }
    expect(ctc(single, [[1]], [2], [1])).toBe(ctc({ ...single, shape: [2, 1, 2] }, [[1]], [2], [1]))
  })

  it('has its blank anywhere', () => {
    const last = { data: new Float32Array(one.data), shape: one.shape }
    for (let i = 0; i < last.data.length; i += 3) last.data.subarray(i, i + 3).reverse()
    const targets = one.targets.map(labels => labels.map(label => 2 - label))
    const values = ctc(last, targets, one.inputLengths, one.targetLengths, { blank: 2, reduction: 'none' })
    expect(values).toEqual(reference.value)
  })

  it('writes its gradient over its input', () => {
    const data = new Float32Array(one.data)
    const { grad } = ctc.valueAndGrad({ data, shape: one.shape }, ...rest, {
      reduction: 'none',
      out: { logProbs: data },
    })
    expect(grad.logProbs).toBe(data)
    expect(data).toEqual(reference.grad.logProbs)
  })

  it('of half precision is that of the same numbers in float32', () => {
    const bits = Uint16Array.from(one.data, toBfloat16)
    const wide = Float32Array.from(bits, b => new Float32Array(Uint32Array.of(b << 16).buffer)[0] as number)
    const half = { data: bits, shape: one.shape, dtype: 'bfloat16' } as const
    const a = ctc.valueAndGrad(half, ...rest, { reduction: 'none' })
    const b = ctc.valueAndGrad({ data: wide, shape: one.shape }, ...rest, { reduction: 'none' })
    expect(a.value).toEqual(b.value)
    expect(a.grad.logProbs).toEqual(Uint16Array.from(b.grad.logProbs, toBfloat16))
  })

  it('takes incoming gradients', () => {
    const upstream = Float32Array.of(2, 0, -1, 1, 0.5, 4)
    const { logProbs: grad } = ctc.grad(logProbs, ...rest, { reduction: 'none', upstream })
    const expected = Array.from(
      reference.grad.logProbs,
      (g, i) => g * (upstream[Math.floor(i / 3) % 6] as number),
    )
    expectAllNear(grad, expected, 'float32', 1e-7)
  })

  it('works off the event loop, and says there what is wrong', async () => {
    expect(await ctc.async(logProbs, ...rest, { reduction: 'none' })).toEqual(reference.value)
    const wrong = one.targets.map(([, ...labels], n) => [n === 0 ? 3 : 1, ...labels])
    const bad = await rejected(ctc.async(logProbs, wrong, one.inputLengths, one.targetLengths))
    expect(bad.code).toBe('ERR_LABEL')
  })

  it.each([
    [
      'a label that names no class',
      [[1, 3]],
      [4],
      [2],
      'ERR_LABEL: ctc: targets[1] is 3. A label must be from 0 to 2, and not the blank, which is 0.',
    ],
    ['the blank as a label', [[0, 1]], [4], [2], 'ERR_LABEL: ctc: targets[0] is 0.'],
    [
      'more steps than there are',
      [[1, 2]],
      [5],
      [2],
      'ERR_DOMAIN: ctc: inputLengths[0] is 5. It must be from 0 to the number of steps.',
    ],
    [
      'more labels than there are',
      [[1, 2]],
      [4],
      [3],
      'ERR_DOMAIN: ctc: targetLengths[0] is 3. It must be from 0 to',
    ],
    ['a negative length', [[1, 2]], [-1], [2], 'ERR_DOMAIN: ctc: inputLengths[0] is -1.'],
    [
      'lengths of another batch',
      [[1, 2]],
      [4, 4],
      [2],
      'ERR_SHAPE: ctc: inputLengths has 2 elements. It must have one for each of 1 samples.',
    ],
    [
      'labels of another batch',
      [
        [1, 2],
        [1, 2],
      ],
      [4],
      [2],
      'ERR_SHAPE: ctc: targets has shape [2, 2].',
    ],
  ])('refuses %s', (_, targets, inputLengths, targetLengths, message) => {
    const scores = { data: new Float32Array(12), shape: [4, 1, 3] }
    expect(told(() => ctc(scores, targets, inputLengths, targetLengths))).toContain(message)
  })

  it('refuses scores without a shape, floats as labels, and a blank that is no class', () => {
    expect(told(() => ctc(new Float32Array(12), [[1]], [4], [1]))).toContain(
      'ERR_SHAPE: ctc: logProbs is flat, with 12 elements. It must be { data, shape: [steps, samples, classes] }',
    )
    const scores = { data: new Float32Array(12), shape: [4, 1, 3] }
    const loose = ctc as unknown as (...given: unknown[]) => number
    expect(told(() => loose(scores, new Float32Array(1), [4], [1]))).toContain(
      'ERR_DTYPE: ctc: targets is float32.',
    )
    expect(told(() => ctc(scores, [[1]], [4], [1], { blank: 3 }))).toContain(
      'ERR_OPTION: ctc: blank is 3, but there are 3 classes.',
    )
    expect(told(() => ctc(scores, [[1]], [4], [1], { blank: -1 }))).toContain('ERR_OPTION: ctc: blank is -1.')
  })
})
