import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DataError, UsageError } from '../../../lib/evaluate/errors.ts'
import { openInputs } from '../../../lib/evaluate/sources/open.ts'
import { readAhead } from '../../../lib/evaluate/sources/read-ahead.ts'
import { sideBySide } from '../../../lib/evaluate/sources/side-by-side.ts'
import { npy, testFolder } from '../files.ts'
import { memorySource } from '../memory-source.ts'

const folder = testFolder()
const counting = (n: number) => Float64Array.from({ length: n }, (_, i) => i)

describe('sources side by side', () => {
  it('give the rows that belong together, however each of them is cut', async () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(cuts, cuts, async (first, second) => {
        const sum = (list: number[]) => list.reduce((a, b) => a + b, 0)
        const missing = sum(first) - sum(second)
        if (missing > 0) second.push(missing)
        if (missing < 0) first.push(-missing)
        const rows = sum(first)
        const a = memorySource([{ name: 'a', data: counting(rows) }], first)
        const b = memorySource([{ name: 'b', data: counting(2 * rows), rowShape: [2] }], second)
        let expected = 0
        for await (const batch of readAhead(sideBySide([a, b]))) {
          const [x, y] = batch.columns.map(({ data }) => [...data])
          expect(batch.firstRow).toBe(expected)
          expect(batch.columns.map(({ shape }) => shape)).toEqual([[batch.rows], [batch.rows, 2]])
          for (let row = 0; row < batch.rows; row++, expected++) {
            expect(x?.[row]).toBe(expected)
            expect([y?.[2 * row], y?.[2 * row + 1]]).toEqual([2 * expected, 2 * expected + 1])
            expect(batch.locate(row)).toBe(`row ${expected}`)
          }
        }
        expect(expected).toBe(rows)
        expect([a.closed > 0, b.closed > 0]).toEqual([true, true])
      }),
    )
  })

  it('that know their lengths are refused before reading when these differ', () => {
    const a = memorySource([{ name: 'p.npy', data: counting(6), rowShape: [2] }], [3], { tellsRows: true })
    const b = memorySource([{ name: 'y.npy', data: counting(4) }], [4], { tellsRows: true })
    expect(() => sideBySide([a, b])).toThrow(
      'p.npy has 3 rows (shape (3, 2)), y.npy has 4 rows (shape (4,)). Every row needs its partner.',
    )
    expect(() => sideBySide([a, b])).toThrow(DataError)
  })

  it('that end apart are refused at the end', async () => {
    const a = memorySource([{ name: 'a.csv', data: counting(3) }], [2, 1])
    const b = memorySource([{ name: 'b.csv', data: counting(4) }], [4])
    const reading = (async () => {
      for await (const _ of sideBySide([a, b]));
    })()
    await expect(reading).rejects.toThrow(
      'a.csv ends after 3 rows, b.csv has more. Every row needs its partner.',
    )
    expect([a.closed > 0, b.closed > 0]).toEqual([true, true])
  })
})

describe('reading ahead', () => {
  it('asks for one value more than is in use, and passes all of them on in order', async () => {
    const asked: number[] = []
    async function* values() {
      for (let i = 0; i < 4; i++) {
        asked.push(i)
        yield i
      }
    }
    const seen: [number, number][] = []
    for await (const value of readAhead(values())) {
      await new Promise(resolve => setImmediate(resolve))
      seen.push([value, asked.length])
    }
    expect(seen).toEqual([
      [0, 2],
      [1, 3],
      [2, 4],
      [3, 4],
    ])
  })

  it('reports an error after the values before it', async () => {
    async function* values() {
      yield 1
      throw new DataError('broken')
    }
    const seen: number[] = []
    const reading = (async () => {
      for await (const value of readAhead(values())) {
        await new Promise(resolve => setTimeout(resolve, 5))
        seen.push(value)
      }
    })()
    await expect(reading).rejects.toThrow('broken')
    expect(seen).toEqual([1])
  })

  it('ends the iteration below when its own is left', async () => {
    let ended = false
    async function* values() {
      try {
        for (let i = 0; ; i++) yield i
      } finally {
        ended = true
      }
    }
    for await (const _ of readAhead(values())) break
    expect(ended).toBe(true)
  })
})

describe('opening inputs', () => {
  const open = (inputs: Parameters<typeof openInputs>[0], options = { wholeRows: true }) =>
    openInputs(inputs, options)

  it('goes by content before extension', async () => {
    const pred = folder.write('array-without-extension', npy(Float32Array.of(1, 2)))
    const target = folder.write('text.data', 'y\n1\n2\n')
    const source = await open({ pred, target })
    expect(source.fields).toMatchObject([{ dtype: 'float32' }, { dtype: 'float64' }])
    await source.close()
  })

  it.each([
    ['ARROW1\0\0', 'is no Arrow file, or damaged'],
    ['PK\x03\x04', 'the archive cannot be read'],
    ['\x89HDF\r\n', 'is an HDF5 file'],
  ])('names what it does not read: %j %s', async (begin, message) => {
    const file = folder.write('foreign.csv', Buffer.from(begin, 'latin1'))
    await expect(open({ file, pred: 'a', target: 'b' })).rejects.toThrow(message)
  })

  it('refuses a .npy file as a file of columns', async () => {
    const file = folder.write('one.npy', npy(Float32Array.of(1, 2)))
    await expect(open({ file, pred: '0', target: '1' })).rejects.toThrow('Give one file each')
    await expect(open({ file, pred: '0', target: '1' })).rejects.toBeInstanceOf(UsageError)
  })

  it('refuses settings of CSV where there is none', async () => {
    const pred = folder.write('p.npy', npy(Float32Array.of(1, 2)))
    for (const [setting, flag] of [
      [{ header: false }, '--no-header'],
      [{ delimiter: ';' }, '--delimiter'],
      [{ dtype: 'float32' }, '--dtype'],
    ] as const) {
      await expect(open({ pred, target: pred, ...setting })).rejects.toThrow(`${flag} is for CSV files`)
    }
  })

  it('refuses standard input as two files', async () => {
    await expect(open({ pred: '-', target: '-' })).rejects.toBeInstanceOf(UsageError)
  })

  it('splits rows larger than a batch into their numbers, where no loss needs whole rows', async () => {
    const wide = Float32Array.from({ length: 2 ** 21 + 2 }, (_, i) => i)
    const pred = folder.write('wide.npy', npy(wide, { shape: [2, 2 ** 20 + 1] }))
    const target = folder.write('wide-target.npy', npy(wide, { shape: [2, 2 ** 20 + 1] }))
    const whole = await open({ pred, target }, { wholeRows: true })
    expect(whole).toMatchObject({ rows: 2, split: 1 })
    await whole.close()
    const split = await open({ pred, target }, { wholeRows: false })
    expect(split).toMatchObject({ rows: 2 ** 21 + 2, split: 2 ** 20 + 1 })
    let numbers = 0
    for await (const { columns, firstRow, rows, locate } of split) {
      const { buffer, byteOffset, byteLength } = columns[0]?.data ?? wide
      expect(
        Buffer.from(buffer, byteOffset, byteLength).equals(Buffer.from(wide.buffer, firstRow * 4, rows * 4)),
      ).toBe(true)
      expect(locate(0)).toBe(firstRow === 0 ? 'row 0' : `row ${firstRow > 2 ** 20 ? 1 : 0}`)
      numbers += rows
    }
    expect(numbers).toBe(2 ** 21 + 2)
  })
})
