import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DataError, FileError, UsageError } from '../../../lib/evaluate/errors.ts'
import { parseNumber } from '../../../lib/evaluate/numbers.ts'
import { type CsvOptions, openCsv } from '../../../lib/evaluate/sources/csv.ts'
import { testFolder } from '../files.ts'

const folder = testFolder()

async function readCsv(text: string | Uint8Array, options: CsvOptions = {}, name = 'data.csv') {
  const source = await openCsv(folder.write(name, text), options)
  const columns: number[][] = source.fields.map(() => [])
  const lines: string[] = []
  const firstRows: number[] = []
  for await (const batch of source) {
    firstRows.push(batch.firstRow)
    for (const [c, column] of batch.columns.entries()) columns[c]?.push(...(column.data as Float64Array))
    for (let row = 0; row < batch.rows; row++) lines.push(batch.locate(row))
  }
  return { fields: source.fields, columns, lines, firstRows }
}

describe('a CSV file', () => {
  it('gives the columns that are asked for, by name or by index from 0', async () => {
    const { columns } = await readCsv('id,score,label\n1,0.25,0\n2,0.5,1\n', { specs: ['score', '2'] })
    expect(columns).toEqual([
      [0.25, 0.5],
      [0, 1],
    ])
  })

  it('gives several columns as the numbers of one row', async () => {
    const { fields, columns } = await readCsv('z0,z1,y\n1,2,0\n3,4,1\n', { specs: ['z0,z1', 'y'] })
    expect(fields.map(({ rowShape }) => rowShape)).toEqual([[2], []])
    expect(columns).toEqual([
      [1, 2, 3, 4],
      [0, 1],
    ])
  })

  it('gives all its columns as one field where none is named', async () => {
    const { fields, columns } = await readCsv('a,b\n1,2\n3,4\n')
    expect(fields).toMatchObject([{ rowShape: [2], dtype: 'float64' }])
    expect(columns).toEqual([[1, 2, 3, 4]])
  })

  it('keeps every digit of a float64', async () => {
    const numbers = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0]
    const { columns } = await readCsv(
      `x\n${numbers.map(x => (Object.is(x, -0) ? '-0' : String(x))).join('\n')}\n`,
    )
    expect(columns[0]).toEqual(numbers)
  })

  it('rounds to float32 where that is asked for', async () => {
    const { fields, columns } = await readCsv('x\n0.1\n', { dtype: 'float32' })
    expect(fields[0]?.dtype).toBe('float32')
    expect(columns[0]).toEqual([Math.fround(0.1)])
  })

  it.each([
    ['Windows line ends', 'a,b\r\n1,2\r\n3,4\r\n'],
    ['mixed line ends', 'a,b\r\n1,2\n3,4\r'],
    ['no line end at the end', 'a,b\n1,2\n3,4'],
    ['empty lines at the end', 'a,b\n1,2\n3,4\n\n\n'],
    ['a byte order mark', '\ufeffa,b\n1,2\n3,4\n'],
    ['quotes', '"a","b"\n"1","2"\n3,"4"\n'],
    ['spaces around cells', ' a , b\n 1, 2 \n3 ,4\n'],
  ])('may have %s', async (_, text) => {
    const { columns } = await readCsv(text, { specs: ['a', 'b'] })
    expect(columns).toEqual([
      [1, 3],
      [2, 4],
    ])
  })

  it('may be UTF-16, as spreadsheets write it', async () => {
    const text = Buffer.from('\ufeffa,b\n1,2\n', 'utf16le')
    expect((await readCsv(text, { specs: ['a', 'b'] })).columns).toEqual([[1], [2]])
  })

  it('may have no header; its columns then have indices only', async () => {
    const { columns } = await readCsv('1,2\n3,4\n', { header: false, specs: ['1', '0'] })
    expect(columns).toEqual([
      [2, 4],
      [1, 3],
    ])
  })

  it('may be separated by tabs, which .tsv files are by default, or by something else', async () => {
    expect((await readCsv('a\tb\n1\t2\n', { specs: ['b'] }, 'data.tsv')).columns).toEqual([[2]])
    expect((await readCsv('a;b\n1;2\n', { specs: ['b'], delimiter: ';' })).columns).toEqual([[2]])
  })

  it('knows the line of every row, past quoted line ends and across batches', async () => {
    const text = 'note,x\nplain,1\n"two\nlines",2\n"three\r\nlines\nhere",3\nplain,4\n'
    const { lines, firstRows } = await readCsv(text, { specs: ['x'], chunkRows: 3 })
    expect(lines).toEqual(['line 2', 'line 3', 'line 5', 'line 8'])
    expect(firstRows).toEqual([0, 3])
  })

  it('reads the same numbers in chunks of any size, also when it is larger than one read', async () => {
    const rows = 30_000
    const numbers = Array.from({ length: rows }, (_, i) => Math.sin(i))
    const text = `i,x\n${numbers.map((x, i) => `${i},${x}`).join('\n')}\n`
    for (const chunkRows of [undefined, 1, 7, 4096, 1e12]) {
      const { columns, lines, firstRows } = await readCsv(text, { specs: ['x', 'i'], chunkRows })
      expect(columns[0]).toEqual(numbers)
      expect(lines.at(-1)).toBe(`line ${rows + 1}`)
      expect(firstRows.length).toBe(chunkRows === undefined ? 1 : Math.ceil(rows / chunkRows))
    }
  })

  it.each([
    ['', 'is empty.'],
    ['a,b\n1,2\n3,x\n', 'line 3, column "b": "x" is not a number.'],
    ['a,b\n1,2\n3,\n', 'line 3, column "b" is empty. Every row needs a number.'],
    ['a,b\n1,2\n3,  \n', 'line 3, column "b" is empty.'],
    ['a,b\n1,2\n3,NA\n', 'line 3, column "b": "NA" is not a number.'],
    ['a,b\n1,2\n3,"0,5"\n', 'line 3, column "b": "0,5" is not a number.'],
    ['a,b\n1,2\n3,0x10\n', 'line 3, column "b": "0x10" is not a number.'],
    ['a,b\n1,2\n3,true\n', 'line 3, column "b": "true" is not a number.'],
    ['a,b\n1,2\n\n3,4\n', 'line 3 is empty.'],
    ['a,b\n1,2\n3\n', 'line 3 has 1 cell, the first line has 2 cells.'],
    ['a,b\n1,2\n3,4,5\n', 'line 3 has 3 cells, the first line has 2 cells.'],
    ['a,b\n1,2\n3,"4\n5,6\n', 'a quote is opened and not closed'],
    ['a,b\n1,2\n3,"4"5\n', 'line 3: a closing quote is not followed by the end of its cell.'],
    ['a,b\n1,2\n3,4"5\n', 'line 3: a quote stands in the middle of a cell.'],
  ])('%j is refused: %s', async (text, message) => {
    const reading = readCsv(text, { specs: ['a', 'b'] })
    await expect(reading).rejects.toThrow(message)
    await expect(reading).rejects.toBeInstanceOf(DataError)
    await expect(reading).rejects.toThrow(join(folder.path, 'data.csv'))
  })

  it('is refused when a quote swallows the file, before it is all in memory', async () => {
    const text = `a\n"${'x'.repeat(17 * 2 ** 20)}`
    await expect(readCsv(text)).rejects.toThrow(
      'a row is longer than 16777216 characters. Is a quote not closed?',
    )
  })

  it('is refused when it is missing or a folder', async () => {
    const missing = openCsv(join(folder.path, 'missing.csv'))
    await expect(missing).rejects.toThrow('missing.csv: cannot be read: there is no such file.')
    await expect(missing).rejects.toBeInstanceOf(FileError)
    await expect(openCsv(folder.path)).rejects.toThrow('cannot be read: it is a folder.')
  })

  it('of any bytes is an error, never a crash', async () => {
    const text = fc.array(
      fc.constantFrom('a', '1', ',', '"', '\n', '\r', ' ', '.', 'e', '-', '\0', '\ufeff', 'é'),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          text.map(chars => chars.join('')),
          fc.uint8Array(),
        ),
        async content => {
          try {
            await readCsv(content, { specs: ['0'], header: false })
          } catch (error) {
            expect(error).toBeInstanceOf(DataError)
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('columns', () => {
  const pick = async (header: string, spec: string) => {
    const cells = header.split(',').map((_, i) => i)
    return (await readCsv(`${header}\n${cells.join(',')}\n`, { specs: [spec] })).columns[0]
  }

  it('of a pattern are in the order of their numbers, not of the file', async () => {
    expect(await pick('z10,z9,y,z8', 'z*')).toEqual([3, 1, 0])
  })

  it('of a pattern without numbers are in the order of the file', async () => {
    expect(await pick('z_cat,y,z_ape', 'z_*')).toEqual([0, 2])
  })

  it('are listed in the order of the list', async () => {
    expect(await pick('a,b,c', 'c, a')).toEqual([2, 0])
  })

  it('mean a column that has exactly this name before anything else', async () => {
    expect(await pick('5,1,0', '0')).toEqual([2])
    expect(await pick('z0,z*', 'z*')).toEqual([1])
    expect((await readCsv('"a,b",a,b\n1,2,3\n', { specs: ['a,b'] })).columns[0]).toEqual([1])
  })

  it.each([
    ['a,b', 'c', 'there is no column "c". It has "a", "b".'],
    ['a,b', '2', 'there is no column 2. It has 2, counted from 0.'],
    ['a,b', 'z*', 'no column begins with "z". It has "a", "b".'],
    ['a,a', 'a', 'several columns are called "a". Choose one by its index'],
    ['z0,z2', 'z*', 'are not numbered without gaps (z0, z2)'],
    ['z0,z1,z_sum', 'z*', 'are not numbered without gaps (z0, z1, z_sum)'],
    ['z1,z01', 'z*', 'are not numbered without gaps'],
  ])('of %s cannot be %s: %s', async (header, spec, message) => {
    await expect(pick(header, spec)).rejects.toThrow(message)
    await expect(pick(header, spec)).rejects.toBeInstanceOf(DataError)
  })

  it.each(['', 'a,,b', 'a,a', 'a1*,a1'])('%j is no question', async spec => {
    await expect(pick('a1,a,b', spec)).rejects.toBeInstanceOf(UsageError)
  })
})

describe('a number', () => {
  it('is read as JavaScript reads it', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), value => {
        const text = Object.is(value, -0) ? '-0' : String(value)
        expect(parseNumber(text)).toBe(value)
      }),
    )
  })

  it.each([
    ['+1.5', 1.5],
    ['.5', 0.5],
    ['5.', 5],
    ['1E-3', 0.001],
    ['007', 7],
    ['nan', Number.NaN],
    ['NaN', Number.NaN],
    ['inf', Number.POSITIVE_INFINITY],
    ['-Infinity', Number.NEGATIVE_INFINITY],
    ['1e999', Number.POSITIVE_INFINITY],
  ])('%s', (text, value) => {
    expect(parseNumber(text)).toBe(value)
  })

  it.each(['', ' ', '1 2', '1,5', '0x1F', '0b1', '1_000', '1n', '--1', 'e5', '.', '1e', 'null', 'NA', '١'])(
    '%j is none',
    text => {
      expect(parseNumber(text)).toBeUndefined()
    },
  )

  it('that is very long and wrong is refused quickly', () => {
    const start = performance.now()
    expect(parseNumber(`${'1'.repeat(1_000_000)}x`)).toBeUndefined()
    expect(performance.now() - start).toBeLessThan(1000)
  })
})
