import { describe, it } from 'vitest'
import { expectAllNear, expectAllPrinted, expectAllSame, expectAllUlps } from '../support/expect.ts'
import { FLOATS, floats, held } from '../support/floats.ts'
import { expectSlopes, loose, slopesOf, valuesOf } from '../support/loose.ts'
import { Random } from '../support/random.ts'

const mape = loose('mape')
const msle = loose('msle')
const inf = Number.POSITIVE_INFINITY
const { NaN: nan } = Number

describe.each(FLOATS)('mape in %s', type => {
  it('is the difference in percent of the target', () => {
    const x = floats(type, [1.5, 3, -3, 4])
    const t = floats(type, [2, 4, -4, 4])
    expectAllSame(valuesOf(mape, [x, t]), [25, 25, 25, 0])
    expectAllSame(slopesOf(mape, [x, t]).pred as Float64Array, [-50, -25, 25, 0])
  })

  it('divides by 10^-7 at least', () => {
    const x = floats(type, [1, -1])
    const t = floats(type, [0, 0])
    expectAllPrinted(valuesOf(mape, [x, t]), ['1e9', '1e9'], type)
    expectAllPrinted(slopesOf(mape, [x, t]).pred as Float64Array, ['1e9', '-1e9'], type)
  })

  it('does not overflow on the way', () => {
    const large = 2 ** (type === 'float32' ? 126 : 1022)
    expectAllSame(
      valuesOf(mape, [floats(type, [large, -large]), floats(type, [large / 2, large])]),
      [100, 200],
    )
  })

  it('passes NaN, and cannot tell how far infinity is from infinity', () => {
    expectAllSame(valuesOf(mape, [floats(type, [nan, 1, inf, 1]), floats(type, [1, nan, 1, inf])]), [
      nan,
      nan,
      inf,
      nan,
    ])
  })
})

describe.each(FLOATS)('msle in %s', type => {
  it('is the squared difference of the logarithms of 1 + both', () => {
    // log²(4/2) and log²(2/4)
    const x = floats(type, [1, 3, 1])
    const t = floats(type, [1, 1, 3])
    expectAllPrinted(valuesOf(msle, [x, t]), ['0', '0.480453014', '0.480453014'], type)
    // 2 log 2 / 4, -2 log 2 / 2
    expectAllPrinted(slopesOf(msle, [x, t]).pred as Float64Array, ['0', '0.346573590', '-0.693147181'], type)
  })

  it('takes negative numbers for 10^-7, without a slope there', () => {
    const x = floats(type, [-3, 0, -1])
    const t = floats(type, [-2, 0, 1])
    const [same, zero, apart] = valuesOf(msle, [x, t])
    expectAllSame([same as number, zero as number], [0, 0])
    expectAllUlps([apart as number], [(Math.log(2) - Math.log1p(1e-7)) ** 2], type, 2)
    expectAllSame(slopesOf(msle, [x, t]).pred as Float64Array, [0, 0, 0])
  })

  it('keeps the digits of a small difference of large numbers', () => {
    const t = 1e6
    const x = floats(type, [t + 0.125])
    // log(1 + 0.125 / (10^6 + 1))²
    expectAllUlps(valuesOf(msle, [x, floats(type, [t])]), [Math.log1p(0.125 / (t + 1)) ** 2], type, 2)
  })

  it('compares numbers of very different size', () => {
    const large = type === 'float32' ? held('float32', [1e38])[0] : 1e300
    const truth = (Math.log(large as number) - Math.LN2) ** 2
    expectAllUlps(valuesOf(msle, [floats(type, [1]), floats(type, [large as number])]), [truth], type, 2)
  })

  it('passes NaN', () => {
    const x = floats(type, [nan, 1, inf, inf])
    const t = floats(type, [1, nan, 1, inf])
    expectAllSame(valuesOf(msle, [x, t]), [nan, nan, inf, nan])
    expectAllSame((slopesOf(msle, [x, t]).pred as Float64Array).slice(0, 2), [nan, nan])
  })
})

describe('in float32', () => {
  const random = new Random(32)
  const x = random.list(4000, () => 100 * random.uniform())
  const t = random.list(4000, () => 100 * random.uniform() + 0.01)
  const pairs = held('float32', x).map((value, i) => [value, held('float32', t)[i] as number] as const)
  const batch = [floats('float32', x), floats('float32', t)]

  it('mape is within 3 roundings and its gradient within 10^-6', () => {
    const truth = pairs.map(([a, b]) => (100 * Math.abs(a - b)) / b)
    expectAllNear(valuesOf(mape, batch), truth, 'float32', 3 * 2 ** -24)
    const slopes = pairs.map(([a, b]) => (100 * Math.sign(a - b)) / b)
    expectAllNear(slopesOf(mape, batch).pred as Float32Array, slopes, 'float32', 1e-6)
  })

  it('msle is within 2 ulps and its gradient within 10^-6', () => {
    const difference = (a: number, b: number) =>
      Math.sign(a - b) * Math.log1p(Math.abs(a - b) / (1 + Math.min(a, b)))
    const truth = pairs.map(([a, b]) => difference(a, b) ** 2)
    expectAllUlps(valuesOf(msle, batch), truth, 'float32', 2)
    const slopes = pairs.map(([a, b]) => (2 * difference(a, b)) / (1 + a))
    expectAllNear(slopesOf(msle, batch).pred as Float32Array, slopes, 'float32', 1e-6)
  })
})

describe('gradients are the slopes of', () => {
  const x = [0.1, 1, 2, 3, 5]
  const t = [1, 0.5, 7, -2, 3]
  it('mape', () => expectSlopes(mape, [x, t], 0, 'pred'))
  it('msle', () => expectSlopes(msle, [x, t], 0, 'pred'))
})
