import { describe, expect, it } from 'vitest'
import { expectAllPrinted, expectAllSame, expectCode, expectPrinted, expectSame } from '../support/expect.ts'
import { FLOATS, floats, matrix } from '../support/floats.ts'
import { crossEntropy } from '../support/losses.ts'

const inf = Number.POSITIVE_INFINITY

// log-softmax of [1, 2, 3] is [-2.407605964, -1.407605964, -0.407605964]
const ROWS = [
  [1, 2, 3],
  [1, 2, 3],
  [0, 0, 0],
]
const LABELS = Int32Array.of(2, 0, -100)

describe.each(FLOATS)('crossEntropy of class indices in %s', type => {
  const logits = matrix(type, ROWS)
  const weight = floats(type, [1, 2, 3])
  const none = { reduction: 'none' } as const
  const sum = { reduction: 'sum' } as const

  it('is minus the log-softmax of the labelled class', () => {
    const each = matrix(type, [ROWS[0], ROWS[0], ROWS[0]] as number[][])
    expectAllPrinted(
      crossEntropy(each, Int32Array.of(0, 1, 2), none),
      ['2.407605964', '1.407605964', '0.407605964'],
      type,
    )
  })

  it('skips rows whose label is ignoreIndex, and divides by the rest', () => {
    expectAllPrinted(crossEntropy(logits, LABELS, none), ['0.407605964', '2.407605964', '0'], type)
    expectPrinted(crossEntropy(logits, LABELS), '1.407605964', type)
    expectPrinted(crossEntropy(logits, LABELS, sum), '2.815211929', type)
  })

  it('has the gradient softmax minus one-hot, exactly 0 in ignored rows', () => {
    expectAllPrinted(
      crossEntropy.grad(logits, LABELS, sum).logits,
      [
        '0.090030573',
        '0.244728471',
        '-0.334759044',
        '-0.909969427',
        '0.244728471',
        '0.665240956',
        '0',
        '0',
        '0',
      ],
      type,
    )
    expectAllPrinted(
      crossEntropy.grad(logits, LABELS).logits.subarray(0, 3),
      ['0.045015287', '0.122364236', '-0.167379522'],
      type,
    )
    expectAllSame(crossEntropy.grad(logits, LABELS).logits.subarray(6), [0, 0, 0])
  })

  it('weighs classes, and divides by the weights of the labels: 3 + 1', () => {
    expectAllPrinted(
      crossEntropy(logits, LABELS, { weight, ...none }),
      ['1.222817893', '2.407605964', '0'],
      type,
    )
    expectPrinted(crossEntropy(logits, LABELS, { weight }), '0.907605964', type)
    expectAllPrinted(
      crossEntropy.grad(logits, LABELS, { weight, ...sum }).logits,
      [
        '0.270091720',
        '0.734185413',
        '-1.004277133',
        '-0.909969427',
        '0.244728471',
        '0.665240956',
        '0',
        '0',
        '0',
      ],
      type,
    )
  })

  it('smooths labels towards the uniform distribution', () => {
    const labelSmoothing = 0.1
    // 0.9 · 0.407605964 + 0.1 · 1.407605964, and 0.9 · 2.407605964 + 0.1 · 1.407605964
    expectAllPrinted(
      crossEntropy(logits, LABELS, { labelSmoothing, ...none }),
      ['0.507605964', '2.307605964', '0'],
      type,
    )
    expectPrinted(crossEntropy(logits, LABELS, { labelSmoothing }), '1.407605964', type)
    expectPrinted(
      crossEntropy(matrix(type, [[1, 2, 3]]), Int32Array.of(2), { labelSmoothing }),
      '0.507605964',
      type,
    )
  })

  it('smooths with the weights of all classes, and divides by those of the labels', () => {
    const options = { weight, labelSmoothing: 0.1 }
    expectAllPrinted(
      crossEntropy(logits, LABELS, { ...options, ...none }),
      ['1.315390630', '2.381699894', '0'],
      type,
    )
    expectPrinted(crossEntropy(logits, LABELS, options), '0.924272631', type)
    // { [0.9 w_y + 0.1/3 · 6] p - 0.9 w_y e_y - 0.1/3 w }
    expectAllPrinted(
      crossEntropy.grad(logits, LABELS, { ...options, ...sum }).logits.subarray(0, 6),
      ['0.227755329', '0.643045899', '-0.870801228', '-0.834299703', '0.202534651', '0.631765051'],
      type,
    )
  })

  it('with every row ignored is 0 in every row, 0 in sum and NaN in the mean', () => {
    const labels = Int32Array.of(-100, -100, -100)
    expectAllSame(crossEntropy(logits, labels, none), [0, 0, 0])
    expectSame(crossEntropy(logits, labels, sum), 0)
    expectSame(crossEntropy(logits, labels), Number.NaN)
    expectAllSame(crossEntropy.grad(logits, labels).logits, new Array(9).fill(0))
    expectAllSame(crossEntropy.grad(logits, labels, { labelSmoothing: 0.1 }).logits, new Array(9).fill(0))
    expectSame(crossEntropy(logits, labels, { onEmpty: 'zero' }), 0)
    expectAllSame(crossEntropy.grad(logits, labels, { onEmpty: 'zero' }).logits, new Array(9).fill(0))
  })

  it('without rows is 0 in sum and NaN in the mean', () => {
    const empty = { data: floats(type, []), shape: [0, 3] }
    const labels = new Int32Array(0)
    expectSame(crossEntropy(empty, labels, sum), 0)
    expectSame(crossEntropy(empty, labels), Number.NaN)
    expectSame(crossEntropy(empty, labels, { onEmpty: 'zero' }), 0)
    expectAllSame(crossEntropy(empty, labels, none), [])
    expectAllSame(crossEntropy.grad(empty, labels).logits, [])
  })

  it.each([
    [5, -100],
    [3, -100],
    [-1, -100],
    [-100, -1],
    [255, 254],
  ])('refuses the label %d of 3 classes when ignoreIndex is %d', (label, ignoreIndex) => {
    const labels = Int32Array.of(1, label, 0)
    for (const call of [crossEntropy, crossEntropy.grad, crossEntropy.valueAndGrad]) {
      const error = expectCode(() => call(logits, labels, { ignoreIndex }), 'ERR_LABEL')
      expect(error.row).toBe(1)
      expect(Number(error.label)).toBe(label)
    }
    expectCode(() => crossEntropy(logits, labels, { ignoreIndex, ...none }), 'ERR_LABEL')
  })

  it('refuses labels that only a 64-bit integer holds', () => {
    for (const label of [2n ** 32n, 2n ** 53n + 1n, -(2n ** 63n), 2n ** 63n - 1n]) {
      const error = expectCode(() => crossEntropy(logits, BigInt64Array.of(0n, 1n, label)), 'ERR_LABEL')
      expect(error.row).toBe(2)
    }
  })

  it('takes 255 as the ignored label of bytes, per row too', () => {
    const labels = Uint8Array.of(2, 0, 255)
    const options = { ignoreIndex: 255 }
    expectAllPrinted(
      crossEntropy(logits, labels, { ...options, ...none }),
      ['0.407605964', '2.407605964', '0'],
      type,
    )
    expectPrinted(crossEntropy(logits, labels, options), '1.407605964', type)
  })

  it('skips rows of a valid class that is ignored, which stays in the softmax of the others', () => {
    const labels = Int32Array.of(2, 0, 0)
    const options = { ignoreIndex: 0 }
    expectAllPrinted(crossEntropy(logits, labels, { ...options, ...none }), ['0.407605964', '0', '0'], type)
    expectPrinted(crossEntropy(logits, labels, options), '0.407605964', type)
    expectAllPrinted(
      crossEntropy.grad(logits, labels, options).logits,
      ['0.090030573', '0.244728471', '-0.334759044', '0', '0', '0', '0', '0', '0'],
      type,
    )
  })

  it('is log 2 for two equal logits of 1e8, which log-sum-exp minus logit would lose', () => {
    expectPrinted(crossEntropy(matrix(type, [[1e8, 1e8]]), Int32Array.of(1)), '0.693147181', type)
  })

  it('takes -inf for an impossible class', () => {
    const row = matrix(type, [[-inf, 0]])
    expectSame(crossEntropy(row, Int32Array.of(1)), 0)
    expectAllSame(crossEntropy.grad(row, Int32Array.of(1)).logits, [0, 0])
    expectSame(crossEntropy(row, Int32Array.of(0)), inf)
    expectAllSame(crossEntropy.grad(row, Int32Array.of(0)).logits, [-1, 1])
  })

  it('gives NaN for a row of -inf alone, with +inf, or with NaN', () => {
    for (const row of [
      [-inf, -inf],
      [inf, 0],
      [inf, inf],
      [Number.NaN, 0],
      [0, Number.NaN],
    ]) {
      for (const label of [0, 1]) {
        const bad = matrix(type, [[0, 0], row, [0, 0]])
        const labels = Int32Array.of(0, label, 0)
        const values = crossEntropy(bad, labels, none)
        expectSame(values[1] as number, Number.NaN)
        expectPrinted(values[0], '0.693147181', type)
        expectPrinted(values[2], '0.693147181', type)
        const { logits: grad } = crossEntropy.grad(bad, labels, sum)
        expectAllSame(grad, [-0.5, 0.5, Number.NaN, Number.NaN, -0.5, 0.5])
      }
    }
  })

  it('gives 0 and gradient 0 for an ignored row that holds NaN, where PyTorch gives NaN', () => {
    const bad = matrix(type, [
      [Number.NaN, inf, 1],
      [1, 2, 3],
    ])
    const labels = Int32Array.of(-100, 2)
    for (const labelSmoothing of [0, 0.1]) {
      const { value, grad } = crossEntropy.valueAndGrad(bad, labels, { labelSmoothing, ...none })
      expectSame(value[0] as number, 0)
      expectAllSame(grad.logits.subarray(0, 3), [0, 0, 0])
    }
    expectPrinted(crossEntropy(bad, labels), '0.407605964', type)
  })

  it('is 0 / 0 in the mean when the classes present weigh nothing', () => {
    const options = { weight: floats(type, [0, 1, 0]) }
    expectSame(crossEntropy(logits, LABELS, options), Number.NaN)
    expectSame(crossEntropy(logits, LABELS, { ...options, ...sum }), 0)
    expectAllSame(crossEntropy(logits, LABELS, { ...options, ...none }), [0, 0, 0])
  })

  it('of a single class is 0 with gradient 0', () => {
    const single = matrix(type, [[7], [-3], [0]])
    const { value, grad } = crossEntropy.valueAndGrad(single, Int32Array.of(0, 0, 0))
    expectSame(value, 0)
    expectAllSame(grad.logits, [0, 0, 0])
  })

  it.each([-0.1, 1.1, Number.NaN, inf])('refuses labelSmoothing %d', labelSmoothing => {
    expectCode(() => crossEntropy(logits, LABELS, { labelSmoothing }), 'ERR_OPTION')
  })

  it('refuses floats as class indices', () => {
    expectCode(() => crossEntropy(logits, floats(type, [2, 0, 1])), 'ERR_DTYPE')
  })

  it('with labelSmoothing 1 forgets the label', () => {
    // the mean of -log p
    const labels = Int32Array.of(2, 0, 1)
    const values = crossEntropy(logits, labels, { labelSmoothing: 1, ...none })
    expectAllPrinted(values, ['1.407605964', '1.407605964', '1.098612289'], type)
  })

  it('keeps the small loss and gradient of a confident row, where a float32 logarithm gives 0', () => {
    // log1p(e^-25), e^-25 / (1 + e^-25)
    const confident = matrix(type, [[25, 0]])
    const { value, grad } = crossEntropy.valueAndGrad(confident, Int32Array.of(0))
    expectPrinted(value, '1.38879439e-11', type)
    expectAllPrinted(grad.logits, ['-1.38879439e-11', '1.38879439e-11'], type)
  })

  it('does not change when all logits of a row move together', () => {
    // exactly representable shifts, so that not even a rounding differs
    const moved = matrix(
      type,
      ROWS.map((row, r) => row.map(z => z + (r === 0 ? 64 : -1024))),
    )
    expectAllSame(crossEntropy(moved, LABELS, none), crossEntropy(logits, LABELS, none))
    expectAllSame(crossEntropy.grad(moved, LABELS).logits, crossEntropy.grad(logits, LABELS).logits)
  })

  it('takes one row without a batch dimension', () => {
    expectPrinted(
      crossEntropy({ data: floats(type, [1, 2, 3]), shape: [3] }, Int32Array.of(2)),
      '0.407605964',
      type,
    )
  })

  it('takes flat logits as N rows, N being the number of labels', () => {
    expectPrinted(crossEntropy(floats(type, ROWS.flat()), LABELS), '1.407605964', type)
  })
})

describe.each(FLOATS)('crossEntropy of probabilities in %s', type => {
  const logits = matrix(type, [
    [1, 2, 3],
    [1, 2, 3],
  ])
  const oneHot = matrix(type, [
    [0, 0, 1],
    [1, 0, 0],
  ])
  const weight = floats(type, [1, 2, 3])

  it('of one-hot rows equals the loss of their labels', () => {
    expectAllPrinted(
      crossEntropy(logits, oneHot, { reduction: 'none' }),
      ['0.407605964', '2.407605964'],
      type,
    )
    expectPrinted(crossEntropy(logits, oneHot), '1.407605964', type)
  })

  it('divides by the rows and not by the weights', () => {
    // (3 · 0.407605964 + 1 · 2.407605964) / 2, where labels divide by 3 + 1
    expectPrinted(crossEntropy(logits, oneHot, { weight }), '1.815211929', type)
    expectPrinted(crossEntropy(logits, oneHot, { weight, labelSmoothing: 0.1 }), '1.848545262', type)
  })

  it('does not normalise its targets', () => {
    const row = matrix(type, [[1, 2, 3]])
    const q = matrix(type, [[2, 0, 1]])
    // 2 · 2.407605964 + 0.407605964; gradient 3 softmax - q
    expectPrinted(crossEntropy(row, q), '5.222817893', type)
    expectAllPrinted(crossEntropy.grad(row, q).logits, ['-1.729908280', '0.734185413', '0.995722867'], type)
  })

  it('gives NaN for a target of 0 on a logit of -inf, as PyTorch', () => {
    expectSame(crossEntropy(matrix(type, [[-inf, 0]]), matrix(type, [[0, 1]])), Number.NaN)
  })

  it('refuses ignoreIndex, which has no meaning here', () => {
    expectCode(() => crossEntropy(logits, oneHot, { ignoreIndex: 0 }), 'ERR_OPTION')
  })

  it('refuses a shape that is neither that of the logits nor that of the labels', () => {
    expectCode(
      () =>
        crossEntropy(
          logits,
          matrix(type, [
            [0, 1],
            [1, 0],
          ]),
        ),
      'ERR_SHAPE',
    )
    expectCode(() => crossEntropy(logits, Int32Array.of(0, 1, 2)), 'ERR_SHAPE')
  })

  it('without rows is 0 in sum and NaN in the mean', () => {
    const empty = { data: floats(type, []), shape: [0, 3] }
    expectSame(crossEntropy(empty, empty), Number.NaN)
    expectSame(crossEntropy(empty, empty, { reduction: 'sum' }), 0)
    expectSame(crossEntropy(empty, empty, { onEmpty: 'zero' }), 0)
  })
})

describe('the labels of crossEntropy', () => {
  it('are named by the first bad row, wherever the threads are', () => {
    const rows = 40_000
    const logits = { data: new Float32Array(rows * 4), shape: [rows, 4] }
    const labels = new Int32Array(rows)
    for (const bad of [39_999, 25_000, 12_345, 1234]) labels[bad] = 4
    for (let i = 0; i < 20; i++)
      expect(expectCode(() => crossEntropy(logits, labels), 'ERR_LABEL').row).toBe(1234)
  })
})
