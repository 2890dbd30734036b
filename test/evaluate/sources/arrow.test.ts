import { readFileSync } from 'node:fs'
import {
  Bool,
  type DataType,
  Dictionary,
  Field,
  FixedSizeList,
  Float16,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  List,
  Table,
  tableToIPC,
  Uint8,
  Uint16,
  Uint32,
  Uint64,
  Utf8,
  vectorFromArray,
} from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { EvaluateError } from '../../../lib/evaluate/errors.ts'
import { evaluate } from '../../../lib/evaluate/evaluate.ts'
import { countRows, openInputs } from '../../../lib/evaluate/sources/open.ts'
import { testFolder } from '../files.ts'
import { errorOf, readInputs } from './read.ts'

const folder = testFolder()
const columns = { pred: 'p', target: 'y' }
const float = new Float32()
const pair = new FixedSizeList(2, new Field('item', float, true))
const list = new List(new Field('item', float, true))

type Values = readonly [values: readonly unknown[], type: DataType]

function table(given: Readonly<Record<string, Values>>): Table {
  const vectors = Object.entries(given).map(([name, [values, type]]) => [name, vectorFromArray(values, type)])
  return new Table(Object.fromEntries(vectors))
}

function write(name: string, tables: readonly Table[], format: 'file' | 'stream' = 'file'): string {
  const [first, ...more] = tables
  if (first === undefined) throw new Error('no table')
  // Each table stays a record batch of its own.
  return folder.write(name, tableToIPC(first.concat(...more), format))
}

const rows = (first: number, end: number) => Array.from({ length: end - first }, (_, i) => first + i)
const part = (first: number, end: number) =>
  table({
    p: [rows(first, end).map(i => i / 4), float],
    y: [rows(first, end).map(i => i % 3), new Int32()],
    l: [rows(first, end).map(i => [i, -1]), pair],
    v: [rows(first, end).map(i => [i, -2]), list],
    s: [rows(first, end).map(i => `seg${i % 5}`), new Utf8()],
    k: [rows(first, end).map(i => i % 4), new Int16()],
  })

describe.each(['file', 'stream'] as const)('an Arrow %s', format => {
  const file = write(format === 'file' ? 't.arrow' : 't.arrows', [part(0, 700), part(700, 1000)], format)

  it('gives its columns and groups over all record batches', async () => {
    const read = await readInputs({ file, ...columns, by: 's' }, { chunkRows: 64 })
    expect(read.columns).toEqual([rows(0, 1000).map(i => i / 4), rows(0, 1000).map(i => i % 3)])
    expect(read.groups).toEqual(rows(0, 1000).map(i => `seg${i % 5}`))
    expect(read.rows).toEqual(rows(0, 1000))
    expect((await readInputs({ file, ...columns, by: 'k' })).groups[702]).toBe('2')
    expect(await countRows({ file, ...columns })).toBe(1000)
  })

  it.each([
    ['l', -1],
    ['v', -2],
  ])('gives lists (%s) as rows, and ranges of them', async (pred, second) => {
    const range = { first: 690, end: 720 }
    const read = await readInputs({ file, pred, target: 'y' }, { range, chunkRows: 7 })
    expect(read.columns[0]).toEqual(rows(690, 720).flatMap(i => [i, second]))
    expect(read.rows).toEqual(rows(690, 720))
  })

  it('has the loss of the same numbers in memory', async () => {
    const report = await evaluate({ file, ...columns }, { losses: [{ loss: 'mse' }] })
    // The squares are multiples of 1/16 below 2^20, so that each is exact as a float32.
    const mean = rows(0, 1000).reduce((sum, i) => sum + (i / 4 - (i % 3)) ** 2, 0) / 1000
    expect(report.losses[0]?.value).toBe(mean)
  })

  it('is refused where it is cut short', async () => {
    const whole = readFileSync(file)
    for (const share of [0.1, 0.5, 0.9]) {
      const cut = folder.write(`cut-${format}.arrow`, whole.subarray(0, Math.floor(whole.length * share)))
      const error = await errorOf(readInputs({ file: cut, ...columns }))
      expect(error).toBeInstanceOf(EvaluateError)
      expect(error.message).toContain(cut)
      expect(error.message).not.toContain('\n')
    }
  })
})

describe('columns of Arrow', () => {
  const types: [DataType, string, unknown[], (number | bigint)[]][] = [
    [new Float16(), 'float16', [1, -0.5], [0x3c00, 0xb800]],
    [new Float32(), 'float32', [1.5, -2], [1.5, -2]],
    [new Float64(), 'float64', [0.1, -2], [0.1, -2]],
    [new Int8(), 'int8', [-1, 127], [-1, 127]],
    [new Int16(), 'int16', [-5, 300], [-5, 300]],
    [new Int32(), 'int32', [-100, 70000], [-100, 70000]],
    [new Int64(), 'int64', [-3n, 2n ** 40n], [-3n, 2n ** 40n]],
    [new Uint8(), 'uint8', [0, 255], [0, 255]],
    [new Uint16(), 'uint16', [0, 65535], [0, 65535]],
    [new Uint32(), 'uint32', [0, 2 ** 32 - 1], [0, 2 ** 32 - 1]],
    [new Uint64(), 'int64', [7n, 2n ** 63n - 1n], [7n, 2n ** 63n - 1n]],
    [new Bool(), 'uint8', [true, false], [1, 0]],
  ]
  it.each(types)('%s becomes %s', async (type, dtype, given, expected) => {
    const file = write('type.arrow', [table({ p: [given, type], y: [given, type] })])
    const source = await openInputs({ file, ...columns }, { wholeRows: true })
    expect(source.fields[0]?.dtype).toBe(dtype)
    await source.close()
    expect((await readInputs({ file, ...columns })).columns).toEqual([expected, expected])
  })

  it('group by the texts of a dictionary', async () => {
    const type = new Dictionary(new Utf8(), new Int32())
    const by: Values = [['north', 'south', 'north'], type]
    const file = write('dictionary.arrow', [table({ p: [[1, 2, 3], float], y: [[1, 2, 3], float], by })])
    expect((await readInputs({ file, ...columns, by: 'by' })).groups).toEqual(['north', 'south', 'north'])
  })

  it('with missing values follow the policy', async () => {
    const given = table({ p: [[1, null, 3], float], y: [[1, 2, 3], float] })
    const file = write('missing.arrow', [given])
    const { message } = await errorOf(readInputs({ file, ...columns }))
    expect(message).toMatch(/missing\.arrow, column "p": row 1 has no value/)
    const skipped = await readInputs({ file, ...columns, nulls: 'skip' })
    expect([skipped.columns[0], skipped.rows]).toEqual([
      [1, 3],
      [0, 2],
    ])
    const weighted = await readInputs({ file, ...columns, nulls: 'zero-weight' })
    expect(weighted.columns[2]).toEqual([1, 0, 1])
  })

  it.each<[string, Values, RegExp]>([
    ['texts', [['a', 'b'], new Utf8()], /column "p": is of type Utf8, which cannot be read/],
    ['unlike lists', [[[1, 2], [1]], list], /column "p": row 1 has 1 number, the first list has 2/],
    ['a uint64 too large', [[1n, 2n ** 63n], new Uint64()], /column "p": row 1 holds a uint64 of 2\^63/],
  ])('are refused: %s', async (_, p, message) => {
    const file = write('refused.arrow', [table({ p, y: [[1, 2], float] })])
    const error = await errorOf(readInputs({ file, ...columns }))
    expect(error.message).toMatch(message)
    expect(error.code).toBe('ERR_DATA')
    expect((await errorOf(readInputs({ file, pred: 'q', target: 'y' }))).message).toContain('no column "q"')
  })
})
