import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hinge, mae, mbe, mse } from '../../lib/index.ts'
import { exactSum } from '../support/exact.ts'
import { expectSame } from '../support/expect.ts'
import { Random } from '../support/random.ts'
import { binding } from '../support/raw.ts'

/** More than the caches of one core are taken to hold. */
const LENGTH = 300_000
/** Numbers that are added together. */
const BLOCK = 2048

const { isa: initialIsa, isas, threads: initialThreads } = binding.info()

/** Batches in which every block lies where those before it let expect, or does not. */
const batches: Record<string, (random: Random, block: number) => number> = {
  'blocks alike': random => random.normal(),
  'blocks that grow by a binade': (random, block) => random.normal() * 2 ** (block - 70),
  'blocks that shrink by two binades': (random, block) => random.normal() * 4 ** (50 - block),
  'a large number now and then': random => random.normal() * (random.integer(5000) === 0 ? 2 ** 90 : 1),
  'a small number now and then': random => random.normal() * (random.integer(5000) === 0 ? 2 ** -130 : 1),
  'blocks of zeros between others': (random, block) => (block % 3 === 1 ? 0 : random.normal()),
  'numbers of one sign, as large as the windows of a guess let them be': () => 2 - 2 ** -23,
  'numbers at the end of the type': random => (random.integer(2) === 0 ? -1 : 1) * (2 - 2 ** -23) * 2 ** 127,
  'numbers below the normal ones': random => (random.integer(2 ** 24) - 2 ** 23) * 2 ** -149,
}

/** Terms of large batches are added while they are computed, into windows guessed from the block before. */
describe.each(isas)('A large batch of float32 on %s', isa => {
  beforeAll(() => {
    binding.setIsa(isa)
    binding.setThreads(1)
  })
  afterAll(() => {
    binding.setIsa(initialIsa)
    binding.setThreads(initialThreads)
  })

  it.each(Object.entries(batches))('has its exact sum: %s', (_, number) => {
    const random = new Random(61)
    const terms = Float32Array.from({ length: LENGTH }, (_, i) => number(random, Math.floor(i / BLOCK)))
    const zeros = new Float32Array(LENGTH)
    const magnitudes = terms.map(Math.abs)
    expectSame(mbe(zeros, terms, { reduction: 'sum' }), exactSum(terms))
    expectSame(mae(zeros, terms, { reduction: 'sum' }), exactSum(magnitudes))
    const { value, grad } = mbe.valueAndGrad(zeros, terms, { reduction: 'sum' })
    expectSame(value, exactSum(terms))
    expect(grad.pred.every(slope => slope === -1)).toBe(true)
  })

  it.each([
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
  ])('passes a %s on from any place', (_, special) => {
    const zeros = new Float32Array(LENGTH)
    for (const at of [0, 100_000, LENGTH - 1]) {
      const terms = new Float32Array(LENGTH).fill(1)
      terms[at] = special
      expectSame(mbe(zeros, terms), special)
    }
  })

  it('is written over by its gradient and still has its sum', () => {
    const random = new Random(62)
    const pred = Float32Array.from({ length: LENGTH }, () => random.normal())
    const target = new Float32Array(LENGTH)
    for (let i = 0; i < LENGTH; i += 70_000) pred[i] = 2 ** 50 // no guess foresees them
    const expected = mse.valueAndGrad(pred, target, { reduction: 'sum' })
    const squares = pred.map(x => x * x)
    expectSame(expected.value, exactSum(squares))
    const own = pred.slice()
    expectSame(mse.valueAndGrad(own, target, { reduction: 'sum', out: { pred: own } }).value, expected.value)
    expect(own).toEqual(expected.grad.pred)
  })

  it('is refused at the first label outside the domain', () => {
    const scores = new Float32Array(LENGTH)
    const labels = new Float32Array(LENGTH).fill(1)
    labels[212_345] = 0.5
    labels[212_346] = 0.25
    expect(() => hinge(scores, labels)).toThrow(
      expect.objectContaining({ code: 'ERR_DOMAIN', index: 212_345, value: 0.5 }),
    )
  })
})
