import { describe, expect, it } from 'vitest'
import { repeated, toFloat, toLabels } from '../../lib/evaluate/convert.ts'
import { DataError } from '../../lib/evaluate/errors.ts'
import { halfToNumber } from '../../lib/evaluate/half.ts'
import type { Column, Dtype } from '../../lib/evaluate/source.ts'

const locate = (row: number) => `y.npy: row ${row}`

function column(data: Column['data'], dtype: Dtype, shape = [data.length]): Column {
  return { data, dtype, shape }
}

describe('a float16', () => {
  // IEEE 754 binary16: 1.0, the largest, the smallest normal and subnormal, zeros, infinities, NaN.
  it.each([
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x0400, 2 ** -14],
    [0x0001, 2 ** -24],
    [0x8000, -0],
    [0x7c00, Number.POSITIVE_INFINITY],
    [0xfc00, Number.NEGATIVE_INFINITY],
    [0x7e00, Number.NaN],
    [0x3555, 0.333251953125],
  ])('%i is %d', (bits, value) => {
    expect(halfToNumber(bits)).toBe(value)
  })
})

describe('widening', () => {
  it('keeps every number', () => {
    const wide = toFloat('float64')
    expect(wide(column(Float32Array.of(0.1, -3), 'float32'), locate).data).toEqual(
      Float64Array.of(Math.fround(0.1), -3),
    )
    expect(wide(column(Uint16Array.of(0x3c00, 0xc000), 'float16'), locate).data).toEqual(
      Float64Array.of(1, -2),
    )
    expect(wide(column(Int32Array.of(2 ** 31 - 1), 'int32'), locate).data).toEqual(
      Float64Array.of(2 ** 31 - 1),
    )
    expect(wide(column(BigInt64Array.of(-(2n ** 53n), 5n), 'int64'), locate).data).toEqual(
      Float64Array.of(-(2 ** 53), 5),
    )
    expect(toFloat('float32')(column(Uint16Array.of(65535), 'uint16'), locate).data).toEqual(
      Float32Array.of(65535),
    )
  })

  it('refuses an int64 that float64 does not hold, and names its row', () => {
    const data = BigInt64Array.of(0n, 1n, 2n, 2n ** 53n + 1n)
    const convert = () => toFloat('float64')(column(data, 'int64', [2, 2]), locate)
    expect(convert).toThrow('y.npy: row 1: 9007199254740993 is too large for float64.')
    expect(convert).toThrow(DataError)
  })

  it('uses its memory again, also for a shorter last batch', () => {
    const wide = toFloat('float64')
    const first = wide(column(Float32Array.of(1, 2, 3), 'float32'), locate).data
    const second = wide(column(Float32Array.of(4, 5), 'float32'), locate).data
    expect(second).toEqual(Float64Array.of(4, 5))
    expect(second.buffer).toBe(first.buffer)
  })
})

describe('labels stored as floats', () => {
  it('become int32 where they are whole', () => {
    const labels = toLabels()
    expect(labels(column(Float64Array.of(0, 9, -100, -0), 'float64'), locate).data).toEqual(
      Int32Array.of(0, 9, -100, 0),
    )
    expect(labels(column(Float32Array.of(3), 'float32'), locate).data).toEqual(Int32Array.of(3))
    expect(labels(column(Uint16Array.of(0x4200), 'float16'), locate).data).toEqual(Int32Array.of(3))
  })

  it.each([0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, -(2 ** 31) - 1])('%d is refused', value => {
    const convert = () => toLabels()(column(Float64Array.of(0, value), 'float64'), locate)
    expect(convert).toThrow(`y.npy: row 1: ${value} is not a class label. Labels are whole numbers.`)
    expect(convert).toThrow(DataError)
  })
})

describe('weights of rows', () => {
  it('are repeated for the numbers of a row', () => {
    const repeat = repeated(3)
    expect(repeat(column(Float32Array.of(1, 2), 'float32'), locate)).toEqual(
      column(Float32Array.of(1, 1, 1, 2, 2, 2), 'float32', [2, 3]),
    )
    expect(repeat(column(BigInt64Array.of(5n), 'int64'), locate).data).toEqual(BigInt64Array.of(5n, 5n, 5n))
  })
})
