/**
 * The reference itself: printed numbers of the losses, which were computed elsewhere, and its gradients against central
 * differences of its own values.
 */

import { describe, expect, it } from 'vitest'
import { expectSlopes, slopesOfSamples, slopesOfSum, USUAL } from './differences.ts'
import { PLANNED, type Tensor } from './every-loss/index.ts'
import { sampleOf, withInput } from './every-loss/tensors.ts'
import { expectAllPrinted, expectPrinted, expectUlps } from './expect.ts'
import { Random } from './random.ts'
import * as reference from './reference/index.ts'

/** A case with its expected values and gradients, printed to the digits that are known. */
const printed = (value: number, text: string) => expectPrinted(value, text, 'float64')
const allPrinted = (values: readonly number[], ...texts: string[]) =>
  expectAllPrinted(values, texts, 'float64')

describe.each(PLANNED.filter(({ differences }) => !Number.isNaN(differences.step)))(
  'the reference of $name',
  ({ places, coupled, axes, differences, batch, truth }) => {
    it.runIf(Object.keys(places).length > 0)('has the slopes of its values as its gradients', () => {
      const random = new Random(51)
      for (let round = 0; round < 3; round++) {
        const made = batch(random, coupled ? 7 : 40, 'float64')
        const upstream = made.values.map(() => random.normal())
        const { grads } = truth(made, 'float64', upstream)
        const weighed = (values: readonly number[]) => values.map((v, i) => v * (upstream[i] as number))
        const most = weighed(made.values).reduce((a, b) => a + Math.abs(b), 0)
        for (const [key, place] of Object.entries(places)) {
          const input =
            typeof place === 'number'
              ? (made.inputs[place] as Tensor)
              : { data: made.options[place] as Float64Array, shape: [] }
          const moved = (data: Float64Array) => {
            const changed =
              typeof place === 'number'
                ? { ...made, inputs: withInput(made.inputs, place, data) }
                : { ...made, options: { ...made.options, [place]: data } }
            return weighed(truth(changed, 'float64').values)
          }
          const sample = (i: number) => sampleOf(input, axes[place as number] as number, i)
          const slopes = coupled
            ? slopesOfSum(input, moved, differences.step)
            : slopesOfSamples(input, sample, moved, differences.step)
          const gradient = grads[key]?.values as number[]
          expectSlopes(
            gradient,
            slopes,
            i => 1 + (coupled ? most : Math.abs(made.values[sample(i)] as number)),
            differences,
            key,
          )
        }
      }
    })
  },
)

describe('the reference of ctc', () => {
  it('has the slopes by the logits under a log-softmax as its gradient', () => {
    const random = new Random(52)
    for (const labels of [[], [1], [1, 2], [2, 2], [1, 2, 1]]) {
      const logits = Float64Array.from(random.list(6 * 3, () => random.normal()))
      const of = (data: Float64Array) =>
        reference.ctc(
          Array.from(
            { length: 6 },
            (_, t) => reference.softmax(Array.from(data.subarray(3 * t, 3 * t + 3))).logs,
          ),
          labels,
        )
      const slopes = slopesOfSum({ data: logits, shape: [] }, data => [of(data).value], USUAL.step)
      expectSlopes(of(logits).grad, slopes, () => 10, USUAL)
    }
  })

  it('needs a step for each label and a blank between equal ones', () => {
    const thirds = (steps: number) => Array.from({ length: steps }, () => new Array(3).fill(Math.log(1 / 3)))
    expect(reference.ctc(thirds(2), [1, 1]).value).toBe(Number.POSITIVE_INFINITY)
    expect(reference.ctc(thirds(2), [1, 2, 1]).value).toBe(Number.POSITIVE_INFINITY)
    expect(reference.ctc(thirds(2), [1, 1], { zeroInfinity: true }).value).toBe(0)
    expect(reference.ctc(thirds(2), [1, 1], { zeroInfinity: true }).grad).toEqual(new Array(6).fill(0))
    // One path of nine, and five: 1 1, - 1, 1 - and so on.
    expect(reference.ctc(thirds(2), [1, 2]).value).toBeCloseTo(Math.log(9), 14)
    expect(reference.ctc(thirds(2), [1]).value).toBeCloseTo(Math.log(3), 14)
    expect(reference.ctc(thirds(3), []).value).toBeCloseTo(Math.log(27), 14)
  })
})

describe('losses of elements', () => {
  const { bce, bceWithLogits, hinge, softMargin, sigmoidFocal } = reference

  it('bce ends at 100, and its gradient at 1e12', () => {
    const at = (p: number, t: number) => bce(p, t).value
    expect([at(0, 1), at(1, 0), at(0, 0.5), at(0, 0), at(2 ** -149, 1)]).toEqual([100, 100, 50, 0, 100])
    expect([bce(0, 1), bce(1, 0), bce(0, 0)].map(({ grads }) => grads[0])).toEqual([-1e12, 1e12, 0])
    printed(at(1e-8, 0), '1.000000005e-8')
    printed(at(1 - 2 ** -24, 0), '16.635532')
  })

  it('bceWithLogits keeps what is small, and has limits at infinity', () => {
    printed(bceWithLogits()(0, 0.5).value, '0.693147181')
    expect(bceWithLogits()(0, 0.5).grads).toEqual([0])
    printed(bceWithLogits()(3, 1).value, '0.048587352')
    allPrinted([...bceWithLogits()(3, 1).grads], '-0.047425873')
    printed(bceWithLogits()(100, 0).value, '100')
    printed(bceWithLogits()(-1e9, 1).value, '1000000000')
    printed(bceWithLogits()(20, 1).value, '2.06115362e-9')
    printed(bceWithLogits(3)(0, 1).value, '2.079441542')
    expect(bceWithLogits(3)(0, 1).grads).toEqual([-1.5])
    expect(bceWithLogits()(Number.POSITIVE_INFINITY, 1).value).toBe(0)
    expect(bceWithLogits()(Number.POSITIVE_INFINITY, 0).value).toBe(Number.POSITIVE_INFINITY)
  })

  it('softMargin does not overflow; hinge is flat at its kink', () => {
    expect(softMargin(-100, 1)).toEqual({ value: 100, grads: [-1] })
    expect(hinge(1, 1)).toEqual({ value: 0, grads: [0] })
  })

  it('sigmoidFocal is near 0 for what is right, and has no 0 / 0', () => {
    const focal = sigmoidFocal(0.25, 2)
    const cases = [
      [0, 1, '0.043321699', '-0.074571699'],
      [2, 1, '4.5089071e-4', '-1.2177350e-3'],
      [-3, 1, '0.691570110', '-0.281687470'],
      [5, 0, '3.704940916', '0.784634882'],
    ] as const
    for (const [x, t, value, grad] of cases) {
      printed(focal(x, t).value, value)
      allPrinted([...focal(x, t).grads], grad)
    }
    for (const [x, t] of [
      [100, 1],
      [-100, 0],
      [Number.POSITIVE_INFINITY, 1],
    ] as const) {
      expect(Math.abs(sigmoidFocal(0.25, 0.5)(x, t).grads[0] as number)).toBeLessThan(1e-40)
    }
    for (const x of [-100, -1, 2, 100]) {
      const [a, b] = [sigmoidFocal(0.25, 0)(x, 1), bceWithLogits()(x, 1)]
      expect(a.value).toBeCloseTo(0.25 * b.value, 12)
      expect(a.grads[0]).toBeCloseTo(0.25 * (b.grads[0] as number), 12)
    }
  })

  it('huber and smoothL1', () => {
    const d = [-3, -2, -1, 0, 0.5, 2, 5]
    expect(d.map(x => reference.huber(2)(x, 0).value)).toEqual([4, 2, 0.5, 0, 0.125, 2, 8])
    expect(d.map(x => reference.smoothL1(2)(x, 0).value)).toEqual([2, 1, 0.25, 0, 0.0625, 1, 4])
    expect(d.map(x => reference.smoothL1(0)(x, 0))).toEqual(d.map(x => reference.mae(x, 0)))
  })

  it('logCosh neither overflows nor cancels', () => {
    printed(reference.logCosh(100, 0).value, '99.30685281944')
    expect(reference.logCosh(-100, 0).value).toBe(reference.logCosh(100, 0).value)
    // d² / 2 - d⁴ / 12
    expectUlps(reference.logCosh(1e-4, 0).value, 5e-9 - 1e-16 / 12, 'float64', 2)
    // Both forms meet where one takes over from the other.
    const apart = reference.logCosh(1, 0).value - reference.logCosh(1 - 2 ** -52, 0).value
    expect(Math.abs(apart)).toBeLessThan(1e-15)
  })

  it('klDiv, and nothing of a target of 0', () => {
    const x = [Math.log(0.9), Math.log(0.1)]
    const values = x.map(log => reference.klDiv()(log, 0.5).value)
    allPrinted(values, '-0.293893332', '0.804718956')
    printed((values[0] as number) + (values[1] as number), '0.510825624')
    expect(reference.klDiv()(-3, 0).value + 0).toBe(0)
    // e^t (t - x)
    const ofLogs = reference.klDiv(true)(-1, -2)
    expect(ofLogs.value).toBe(-Math.exp(-2))
  })

  it('poissonNll, and Stirling beyond targets of 1', () => {
    printed(reference.poissonNll()(1, 2).value, '0.718281828')
    const full = reference.poissonNll({ full: true })
    printed(full(1, 2).value - reference.poissonNll()(1, 2).value, '0.651806485')
    expect(full(1, 1).value).toBe(reference.poissonNll()(1, 1).value)
  })

  it('gaussianNll, with a slope below eps', () => {
    const { value, grads } = reference.gaussianNll()(1, 0, 0)
    printed(value, '499993.092')
    expect(grads[1]).not.toBe(0)
  })

  it('hingeEmbedding of labels 1, -1 and others', () => {
    expect([1, -1, 0].map(t => reference.hingeEmbedding(1)(0.25, t).value)).toEqual([0.25, 0.75, 1])
    expect([1, -1, 0].map(t => reference.hingeEmbedding(1)(1, t).grads[0])).toEqual([1, -1, 0])
  })

  it('marginRanking has its slope at the kink', () => {
    expect(reference.marginRanking(0)(2, 2, 1).grads).toEqual([-1, 1])
  })

  it('msle and mape', () => {
    // (log(e) - log(1 + 1e-7))²
    printed(reference.msle(Math.E - 1, 0).value, '0.99999980000002')
    expect(reference.msle(-5, 0)).toEqual({ value: 0, grads: [0] })
    expect(reference.mape(3, 2)).toEqual({ value: 50, grads: [50] })
  })

  it('the terms of generative adversarial networks', () => {
    const { minimaxGan, nonSaturatingGan, lsGan, hingeGan, wassersteinGan } = reference
    const sides = ({ real, fake }: reference.Game) => real(2).value + fake(-1).value
    printed(sides(minimaxGan), '0.440189699')
    printed(minimaxGan.generator(-1).value, '-0.313261688')
    printed(nonSaturatingGan.generator(-1).value, '1.313261688')
    expect([sides(lsGan), lsGan.generator(-1).value]).toEqual([1, 2])
    expect([sides(hingeGan), hingeGan.generator(-1).value]).toEqual([0, 1])
    expect(hingeGan.fake(-1).grads).toEqual([0])
    expect(sides(wassersteinGan)).toBe(-3)
    for (const score of [1000, -1000]) {
      expect(Number.isFinite(minimaxGan.real(score).value + minimaxGan.fake(score).value)).toBe(true)
    }
  })
})

describe('losses of rows', () => {
  it('multiMargin', () => {
    const x = [0.1, 0.2, 0.4, 0.8]
    printed(reference.multiMargin(x, 3).value, '0.325')
    printed(reference.multiMargin(x, 3, { p: 2 }).value, '0.1525')
  })

  it('multilabelMargin reads the ids before the first -1, and counts doubles twice', () => {
    const x = [0.1, 0.2, 0.4, 0.8]
    printed(reference.multilabelMargin(x, [3, 0, -1, 1]).value, '0.85')
    const once = reference.multilabelMargin(x, [3, -1, -1, -1]).value
    expect(reference.multilabelMargin(x, [3, 3, -1, -1]).value).toBeCloseTo(2 * once, 14)
    expect(reference.multilabelMargin(x, [-1, 0, 1, 2]).value).toBe(0)
  })

  it('multiclassHinge takes the largest wrong score, also where all are negative', () => {
    expect(reference.multiclassHinge([-3, -2.5, -2], 2).value).toBe(0.5)
    expect(reference.multiclassHinge([5, 1, 1], 0).value).toBe(0)
    expect(reference.multiclassHinge([5, 7, 7], 0).grads).toEqual([[-1, 1, 0]])
    expect(reference.multiclassHinge([2], 0).value).toBe(0)
  })

  it('softmaxFocal without focus is the weighed cross-entropy; of one that is sure it is 0', () => {
    const plain = reference.crossEntropyOfIndex([1, 2, 3], 0)
    const focal = reference.softmaxFocal([1, 2, 3], 0, { alpha: 0.25, gamma: 0 })
    expect(focal.value).toBe(0.25 * plain.value)
    focal.grad.forEach((g, c) => {
      expect(g).toBeCloseTo(0.25 * (plain.grad[c] as number), 15)
    })
    expect(reference.softmaxFocal([1000, 0], 0, { gamma: 0.5 }).grad.map(Math.abs)).toEqual([0, 0])
  })

  it('poly1 adds the probability that is missing', () => {
    const { complements } = reference.softmax([1, 2, 3])
    const { value } = reference.crossEntropyOfIndex([1, 2, 3], 1)
    expect(reference.poly1([1, 2, 3], 1, { epsilon: 2 }).value).toBe(value + 2 * (complements[1] as number))
  })

  it('multilabelSoftMargin is the mean of the binary cross-entropies', () => {
    const { value } = reference.multilabelSoftMargin([0, 3], [0.5, 1])
    expect(value).toBeCloseTo((Math.LN2 + 0.04858735157374206) / 2, 15)
  })
})

describe('losses of boxes', () => {
  it.each([
    [[0, 0, 2, 2], [1, 1, 3, 3], '0.857142857', '1.945910149', '1.079365079', '0.968253970', '0.968253970'],
    [[0, 0, 1, 1], [2, 2, 3, 3], '1', '13.8155', '1.777777769', '1.444444442', '1.444444442'],
    [[0, 0, 4, 1], [0, 0, 2, 2], '0.666666667', '1.098612289', '0.916666669', '0.729166672', '0.747013353'],
  ] as const)('%j against %j', (pred, target, iou, log, giou, diou, ciou) => {
    printed(reference.iou(pred, target).value, iou)
    printed(reference.iou(pred, target, { form: 'log' }).value, log)
    printed(reference.giou(pred, target).value, giou)
    printed(reference.diou(pred, target).value, diou)
    printed(reference.ciou(pred, target).value, ciou)
  })

  it('ciou has the slope of its value with its factor of the angles held', () => {
    const random = new Random(53)
    const [pred, target] = [
      [0, 0, 4, 1],
      [0.5, -0.25, 2, 2],
    ] as const
    for (let round = 0; round < 20; round++) {
      const moved = Float64Array.from(pred, x => x + 0.125 * random.normal())
      const alpha = reference.ciouFactor(Array.from(moved), target)
      const held = (data: Float64Array) => [reference.ciou(Array.from(data), target, 1e-7, alpha).value]
      const slopes = slopesOfSum({ data: moved, shape: [4] }, held, USUAL.step)
      const [gradient] = reference.ciou(Array.from(moved), target).grads
      expectSlopes(gradient as number[], slopes, () => 2, USUAL)
    }
  })

  it('equal boxes cost about 1e-7, for the eps, and two points 1, or NaN without eps', () => {
    const unit = [0, 0, 1, 1]
    for (const loss of [reference.giou, reference.diou, reference.ciou]) {
      expect(loss(unit, unit).value).toBeCloseTo(1e-7, 12)
      expect(loss([1, 1, 1, 1], [1, 1, 1, 1]).value).toBe(1)
    }
    expect(reference.iou([1, 1, 1, 1], [1, 1, 1, 1]).value).toBeNaN()
  })

  it('boxes that touch do not overlap, and share no slope', () => {
    const { value, grads } = reference.iou([0, 0, 1, 1], [1, 0, 2, 1])
    expect(value).toBe(1)
    expect(grads[0]?.map(Math.abs)).toEqual([0, 0, 0, 0])
  })

  it('an edge that both share has half a slope', () => {
    // I = w h and U = 2: ∂I = (-½, -½, 1, ½), ∂U = ∂A - ∂I = (-½, -½, 0, ½)
    expect(reference.iou([0, 0, 1, 1], [0, 0, 2, 1]).grads[0]).toEqual([0.125, 0.125, -0.5, -0.125])
  })

  it('iou has no slope below the end of its logarithm', () => {
    const far = reference.iou([0, 0, 1, 1], [2, 2, 3, 3], { form: 'log' })
    expect(far.grads).toEqual([[0, 0, 0, 0]])
  })
})

describe('losses of masks', () => {
  const ofCounts = (both: number, either: number) => {
    const target = Array.from({ length: either }, () => 1)
    return reference.thresholdedIou(
      target.map((_, i) => (i < both ? 1 : 0)),
      target,
    ).value
  }

  it('thresholdedIou at ties is what float32 makes of them', () => {
    const tens = [50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 100].map(both => ofCounts(both, 100))
    const expected = [0, 0.2, 0.3, 0.3, 0.4, 0.5, 0.6, 0.8, 0.8, 0.9, 1]
    expect(tens).toEqual(expected.map(Math.fround))
    expect([ofCounts(12, 20), ofCounts(18, 20)]).toEqual([0.2, 0.9].map(Math.fround))
    expect(ofCounts(0, 0)).toBe(1)
    expect(ofCounts(0, 20)).toBe(0)
  })

  it('two empty masks cost nothing', () => {
    const empty = [0, 0, 0]
    for (const loss of [reference.maskIou, reference.dice]) expect(loss(empty, empty).value).toBe(0)
    expect(reference.tversky(empty, empty).value).toBe(0)
    expect(reference.focalTversky(empty, empty).grads[0]?.map(Math.abs)).toEqual([0, 0, 0])
  })

  it('maskIou and dice of two masks that share one pixel of three', () => {
    expect(reference.maskIou([1, 1, 0, 0], [1, 0, 1, 0], 0).value).toBeCloseTo(2 / 3, 15)
    expect(reference.dice([1, 1, 0, 0], [1, 0, 1, 0], 0).value).toBe(0.5)
    expect(reference.dice([1, 1, 0, 0], [1, 0, 1, 0], 1).value).toBeCloseTo(1 - 3 / 5, 15)
  })

  it('the Lovász extension is the Jaccard loss at its corners', () => {
    const object = [true, false, true, false, false]
    for (let bits = 0; bits < 32; bits++) {
      const wrong = object.map((_, i) => (bits >> i) & 1)
      const missed = wrong.filter((w, i) => w === 1 && object[i]).length
      const added = wrong.filter((w, i) => w === 1 && !object[i]).length
      expect(reference.lovasz(wrong, object).value).toBeCloseTo(1 - (2 - missed) / (2 + added), 14)
    }
    expect(reference.lovasz([1, 1], [false, false]).value).toBe(1)
  })
})

describe('losses of pairs', () => {
  it('triplet adds eps to each difference', () => {
    const same = [1, 2, 3, 4]
    expect(reference.distance(same, same).value).toBeCloseTo(2e-6, 15)
    expect(reference.triplet(same, same, same).value).toBeCloseTo(1, 14)
    const [a, p, n] = [
      [1, 2, 3],
      [1, 2, 2],
      [4, 2, 3],
    ] as const
    printed(reference.distance(a, p).value, '1.000001')
    printed(reference.distance(a, n).value, '2.999999')
  })

  it('triplet of a margin of 3 and of 1, with and without swap', () => {
    const [a, p, n] = [
      [1, 2, 3],
      [1, 2, 2],
      [4, 2, 3],
    ] as const
    printed(reference.triplet(a, p, n, { margin: 3 }).value, '1.000002')
    expect(reference.triplet(a, p, n, { margin: 1 }).value).toBe(0)
    printed(reference.distance(p, n).value, '3.162276')
    expect(reference.triplet(a, p, n, { margin: 3, swap: true }).value).toBe(
      reference.triplet(a, p, n, { margin: 3 }).value,
    )
  })

  it('triplet has a slope where it is exactly 0', () => {
    const { value, grads } = reference.triplet([0, 0], [3, 4], [6, 8], { margin: 5, eps: 0 })
    expect(value).toBe(0)
    expect(grads[1]).not.toEqual([0, 0])
  })

  it('contrastive of labels 0 and 1', () => {
    const at = (x: number, label: number, margin = 1) => reference.contrastive([x], [0], label, margin)
    expect([at(0.5, 0).value, at(0.5, 1).value, at(1, 1).value, at(2, 1).value]).toEqual([0.25, 0.25, 0, 0])
    expect(at(0, 1, 3).value).toBe(9)
    expect(at(0, 1, 3).grads.flat().map(Math.abs)).toEqual([0, 0])
  })

  it('cosineEmbedding of zero vectors', () => {
    const zero = [0, 0]
    expect([1, -1, 0].map(t => reference.cosineEmbedding(zero, zero, t).value)).toEqual([1, 0, 0])
    expect(reference.cosineEmbedding([1, 0], [0, 1], -1).grads[0]).toEqual([
      0,
      1 / Math.sqrt((1 + 1e-12) ** 2),
    ])
  })

  it('gradientPenalty', () => {
    expect(reference.gradientPenalty([3, 4])).toMatchObject({ value: 160, grads: [[48, 64]] })
    expect(reference.gradientPenalty([0, 0]).grads).toEqual([[0, 0]])
    expect(reference.gradientPenalty([0.3, 0.4], { oneSided: true }).value).toBe(0)
  })
})

describe('losses of all pairs', () => {
  it('siameseTriplet', () => {
    const [vp, vn] = [
      [1, 2],
      [0, -1, 0.5],
    ]
    const { values, grads } = reference.siameseTriplet(vp, vn, [0.5, 0.5])
    printed(((values[0] as number) + (values[1] as number)) / 2, '0.215199221')
    allPrinted(grads[0] as number[], '-0.127614169', '-0.058175720')
    allPrinted(grads[1] as number[], '0.064690724', '0.027771466', '0.093327699')
    expect(reference.siameseTriplet([1000], [0]).values).toEqual([0])
    expect(reference.siameseTriplet([0], [1000]).values).toEqual([1000])
  })

  it('infoNce is the cross-entropy of the cosines', () => {
    const [q, k] = [
      [
        [1, 0],
        [3, 4],
      ],
      [
        [2, 0],
        [0, 5],
      ],
    ]
    const scores = [
      [1, 0],
      [0.6, 0.8],
    ].map(row => row.map(s => s / 0.5))
    const { values } = reference.infoNce(q, k, 0.5)
    values.forEach((value, i) => {
      expect(value).toBeCloseTo(reference.crossEntropyOfIndex(scores[i] as number[], i).value, 14)
    })
  })

  it('ntXent with one positive each is supCon, and the cross-entropy among the others', () => {
    const embeddings = [
      [1, 0.5],
      [0.75, 1],
      [-1, 2],
      [0.5, -3],
    ]
    const labels = [4, 4, 9, 9]
    const a = reference.ntXent(embeddings, labels, 0.5)
    const b = reference.supCon(embeddings, labels, 0.5)
    a.values.forEach((value, i) => {
      expect(value).toBeCloseTo(b.values[i] as number, 13)
    })
  })

  it('an anchor without a positive does not count', () => {
    for (const loss of [reference.ntXent, reference.supCon]) {
      const { values, masses } = loss(
        [
          [1, 2],
          [3, 1],
          [0, 1],
        ],
        [1, 1, 2],
      )
      expect(values[2]).toBe(0)
      expect(masses).toEqual([1, 1, 0])
    }
  })

  it('a vector of zeros has cosines of 0 and a finite gradient', () => {
    const { values, grads } = reference.infoNce([[0, 0]], [[1, 2]], 0.5)
    expect(values).toEqual([0])
    expect(grads.flat().every(Number.isFinite)).toBe(true)
  })

  it('linearCrossEntropy is the cross-entropy of the logits', () => {
    const { values, grads } = reference.linearCrossEntropy(
      [[1, 2]],
      [
        [1, 0],
        [0, 1],
      ],
      [0],
      { bias: [0, -1] },
    )
    const { value, grad } = reference.crossEntropyOfIndex([1, 1], 0)
    expect(values).toEqual([value])
    expect(grads).toEqual([
      [grad[0], grad[1]],
      [grad[0], 2 * (grad[0] as number), grad[1], 2 * (grad[1] as number)],
      grad,
    ])
  })
})
