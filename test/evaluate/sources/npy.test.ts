import { closeSync, ftruncateSync, openSync, truncateSync, writeSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DataError } from '../../../lib/evaluate/errors.ts'
import type { ColumnArray } from '../../../lib/evaluate/source.ts'
import { openNpy } from '../../../lib/evaluate/sources/npy.ts'
import { parseNpyHeader } from '../../../lib/evaluate/sources/npy-header.ts'
import { npy, npyHeader, testFolder } from '../files.ts'
import { numpyFiles } from './numpy-files.ts'

const folder = testFolder()

/** All rows of a .npy file: of every batch its values (copied, for the buffers are reused) and its place. */
async function readNpy(path: string, chunkRows?: number) {
  const source = await openNpy(path, { chunkRows })
  const batches: { data: ColumnArray; shape: readonly number[]; firstRow: number }[] = []
  for await (const { columns, firstRow, rows } of source) {
    const [column] = columns
    if (column === undefined) throw new Error('no column')
    expect(column.shape[0]).toBe(rows)
    batches.push({ data: column.data.slice(), shape: column.shape, firstRow })
  }
  return { field: source.fields[0], rows: source.rows, batches }
}

const readBase64 = (name: keyof typeof numpyFiles) =>
  readNpy(folder.write(`${name}.npy`, Buffer.from(numpyFiles[name], 'base64')))

describe('files written by NumPy', () => {
  const expected: [keyof typeof numpyFiles, string, ColumnArray][] = [
    ['float32Matrix', 'float32', Float32Array.of(1.5, -2, 3, 4, 5, 6.25)],
    ['float32BigEndian', 'float32', Float32Array.of(1.5, -2.25)],
    ['float64BigEndian', 'float64', Float64Array.of(1.5, -2.25, 1e300)],
    // 1, -0.5, the largest float16 and its smallest subnormal.
    ['float16', 'float16', Uint16Array.of(0x3c00, 0xb800, 0x7bff, 0x0001)],
    ['int8', 'int8', Int8Array.of(-1, 0, 127)],
    ['uint8', 'uint8', Uint8Array.of(0, 1, 255)],
    ['int16', 'int16', Int16Array.of(-5, 300)],
    ['uint16BigEndian', 'uint16', Uint16Array.of(1, 65535)],
    ['int32BigEndian', 'int32', Int32Array.of(-100, 70000)],
    ['uint32', 'uint32', Uint32Array.of(2 ** 32 - 1)],
    ['int64BigEndian', 'int64', BigInt64Array.of(-3n, 2n ** 40n)],
    ['uint64', 'int64', BigInt64Array.of(7n, 2n ** 63n - 1n)],
    ['bool', 'uint8', Uint8Array.of(1, 0, 1)],
    ['version2', 'float32', Float32Array.of(1, 2)],
    ['version3', 'float32', Float32Array.of(1, 2)],
  ]
  it.each(expected)('reads %s as %s', async (name, dtype, values) => {
    const { field, batches } = await readBase64(name)
    expect(field.dtype).toBe(dtype)
    expect(batches.map(({ data }) => data)).toEqual([values])
  })

  it('keeps the shape of a matrix: two rows of three', async () => {
    const { field, rows, batches } = await readBase64('float32Matrix')
    expect(field.rowShape).toEqual([3])
    expect(rows).toBe(2)
    expect(batches[0]?.shape).toEqual([2, 3])
  })

  it('reads an array without rows as no batch', async () => {
    expect(await readBase64('empty')).toMatchObject({ rows: 0, batches: [] })
  })

  const refused: [keyof typeof numpyFiles, string][] = [
    ['uint64TooLarge', 'row 1 holds a uint64 of 2^63 or more'],
    ['fortran', 'Fortran order'],
    ['scalar', 'holds a single number'],
    ['structured', 'records with named fields'],
    ['complex', "values of type '<c16' cannot be read"],
    ['strings', "values of type '<U2' cannot be read"],
  ]
  it.each(refused)('refuses %s: %s', async (name, message) => {
    await expect(readBase64(name)).rejects.toThrow(message)
    await expect(readBase64(name)).rejects.toBeInstanceOf(DataError)
  })
})

describe('a .npy file', () => {
  it('takes Fortran order where it makes no difference', async () => {
    const vector = folder.write('vector.npy', npy(Float32Array.of(1, 2, 3), { fortran: true }))
    const row = folder.write('row.npy', npy(Float32Array.of(1, 2, 3), { fortran: true, shape: [1, 3] }))
    expect((await readNpy(vector)).batches[0]?.data).toEqual(Float32Array.of(1, 2, 3))
    expect((await readNpy(row)).batches[0]?.data).toEqual(Float32Array.of(1, 2, 3))
  })

  it('reads the header of Python 2, with its long integers', async () => {
    const dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': (3L, 1L), }"
    const file = folder.write('python2.npy', npy(Float32Array.of(1, 2, 3), { dictionary }))
    expect((await readNpy(file)).field.rowShape).toEqual([1])
  })

  it('is refused when a bool is neither 0 nor 1', async () => {
    const file = folder.write('bool.npy', npy(Uint8Array.of(0, 1, 2), { descr: '|b1' }))
    await expect(readNpy(file)).rejects.toThrow('row 2 holds a bool that is neither 0 nor 1')
  })

  it('is refused when cut short, by one byte', async () => {
    const bytes = npy(Float32Array.of(1, 2, 3))
    const file = folder.write('short.npy', bytes.subarray(0, -1))
    await expect(readNpy(file)).rejects.toThrow(
      `${file}: is cut short: shape (3,) of float32 takes 12 bytes, the file holds 11.`,
    )
  })

  it('is refused when something follows its values', async () => {
    const file = folder.write('long.npy', Buffer.concat([npy(Float32Array.of(1, 2, 3)), Buffer.of(0)]))
    await expect(readNpy(file)).rejects.toThrow('is longer than its header says')
  })

  it('is refused when it shrinks while it is read', async () => {
    const file = folder.write('shrinks.npy', npy(new Float32Array(100)))
    const source = await openNpy(file, { chunkRows: 10 })
    const batches = source[Symbol.asyncIterator]()
    await batches.next()
    truncateSync(file, 200)
    await expect(
      (async () => {
        while ((await batches.next()).done !== true);
      })(),
    ).rejects.toThrow('became shorter while it was read')
  })

  it('is refused when a row holds nothing', async () => {
    const file = folder.write('hollow.npy', npy(new Float32Array(0), { shape: [4, 0] }))
    await expect(readNpy(file)).rejects.toThrow('has shape (4, 0), so its rows hold nothing')
  })

  it('is refused when it is missing, a folder or something else', async () => {
    await mkdir(join(folder.path, 'a-folder.npy'))
    const missing = join(folder.path, 'missing.npy')
    await expect(readNpy(missing)).rejects.toThrow(`${missing}: cannot be read: there is no such file.`)
    await expect(readNpy(join(folder.path, 'a-folder.npy'))).rejects.toThrow('is not a regular file')
    await expect(readNpy(folder.write('text.npy', 'pred,target\n1,2\n'))).rejects.toThrow(
      'is not a .npy file',
    )
    await expect(readNpy(folder.write('none.npy', ''))).rejects.toThrow('is not a .npy file')
  })

  it.each([
    ['4.0', 4, 'version 4.0 is unknown'],
    ['0.0', 0, 'version 0.0 is unknown'],
  ])('of version %s is refused', async (_, version, message) => {
    const file = folder.write('version.npy', npy(Float32Array.of(1), { version }))
    await expect(readNpy(file)).rejects.toThrow(message)
  })

  it.each([
    ['=f4', 'does not say its byte order'],
    ['f4', 'does not say its byte order'],
    ['|f4', 'does not say its byte order'],
    ['<f16', "values of type '<f16' cannot be read"],
    ['|O', "values of type '|O' cannot be read"],
    ['constructor', "values of type 'constructor' cannot be read"],
  ])('of type %s is refused', async (descr, message) => {
    const file = folder.write('descr.npy', npy(Float32Array.of(1), { descr }))
    await expect(readNpy(file)).rejects.toThrow(message)
  })

  it('reads the same values in chunks of any size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.float(), { minLength: 3, maxLength: 60 }),
        fc.integer({ min: 1, max: 25 }),
        async (numbers, chunkRows) => {
          const rows = Math.floor(numbers.length / 3)
          const values = Float32Array.from(numbers.slice(0, rows * 3))
          const file = folder.write('chunks.npy', npy(values, { shape: [rows, 3] }))
          const { batches } = await readNpy(file, chunkRows)
          expect(batches.map(({ firstRow }) => firstRow)).toEqual(
            Array.from({ length: Math.ceil(rows / chunkRows) }, (_, i) => i * chunkRows),
          )
          expect(Float32Array.from(batches.flatMap(({ data }) => [...(data as Float32Array)]))).toEqual(
            values,
          )
        },
      ),
      { numRuns: 50 },
    )
  })

  it('gives single numbers in place of rows, and still names the rows', async () => {
    const file = folder.write('flat.npy', npy(Float32Array.of(1, 2, 3, 4, 5, 6), { shape: [2, 3] }))
    const source = (await openNpy(file)).flat()
    expect(source).toMatchObject({ rows: 6, fields: [{ rowShape: [] }] })
    for await (const { columns, rows, locate } of source) {
      expect(columns[0]?.shape).toEqual([6])
      expect(Array.from({ length: rows }, (_, i) => locate(i))).toEqual([
        'row 0',
        'row 0',
        'row 0',
        'row 1',
        'row 1',
        'row 1',
      ])
    }
  })

  it('is refused when a single row is too large to be held', async () => {
    const file = join(folder.path, 'wide.npy')
    const header = npyHeader({ descr: '<f4', shape: [1, 2 ** 29] })
    const fd = openSync(file, 'w')
    writeSync(fd, header)
    ftruncateSync(fd, header.length + 2 ** 31)
    closeSync(fd)
    await expect(readNpy(file)).rejects.toThrow('one row takes 2147483648 bytes')
  })

  it('is closed when its reader leaves the loop', async () => {
    const source = await openNpy(folder.write('left.npy', npy(new Float32Array(100))), { chunkRows: 10 })
    for await (const _ of source) break
    await expect(source[Symbol.asyncIterator]().next()).rejects.toThrow()
  })
})

describe('a header', () => {
  const bad: [string, string][] = [
    ['', 'it ends too early'],
    ['[]', 'it is not a dictionary'],
    ["'descr'", 'it is not a dictionary'],
    ['{}', 'its keys are missing'],
    ["{'descr': '<f4', 'shape': (1,)}", 'its keys are descr, shape'],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'extra': 1}", 'its keys are'],
    ["{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (1,)}", 'a key is given twice'],
    ['{1: 2}', 'a key is not a string'],
    ["{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}", 'fortran_order is neither True nor False'],
    ["{'descr': 4, 'fortran_order': False, 'shape': (1,)}", 'descr is not a string'],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': 1}", 'shape is not a tuple'],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (1)}", 'shape is not a tuple'],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", 'shape holds something else'],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (1.5,)}", "',' is missing"],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (True,)}", 'shape holds something else'],
    [
      "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
      'shape holds something else',
    ],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (1,)", "',' is missing"],
    ["{'descr' '<f4'}", "':' is missing"],
    ["{'descr': '<f4", 'a string is not closed'],
    ["{'descr': '\\x3cf4', 'fortran_order': False, 'shape': (1,)}", 'a string holds an escape'],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} or exit()", 'something follows the dictionary'],
    ["__import__('os').system('true')", 'unexpected character'],
    ["{'descr': exit}", 'unexpected word'],
  ]
  it.each(bad)('%s is refused: %s', (dictionary, message) => {
    const bytes = npyHeader({ dictionary, version: 2 })
    expect(() => parseNpyHeader('x.npy', bytes)).toThrow(message)
    expect(() => parseNpyHeader('x.npy', bytes)).toThrow(DataError)
  })

  it('nested without end is refused before the stack is', () => {
    const bytes = npyHeader({ dictionary: '['.repeat(60_000), version: 2 })
    expect(() => parseNpyHeader('x.npy', bytes)).toThrow('nested too deeply')
  })

  it('that claims a huge length is refused before anything is read', async () => {
    const bytes = Buffer.concat([npyHeader({ shape: [1], version: 2 }), Buffer.alloc(4)])
    bytes.writeUInt32LE(2 ** 32 - 1, 8)
    await expect(readNpy(folder.write('huge.npy', bytes))).rejects.toThrow('it is 4294967295 bytes long')
  })

  const whole = npy(Float32Array.of(1, 2, 3, 4, 5, 6), { shape: [2, 3] })
  /** A damaged file is either still a good one or a clear refusal, never anything else. */
  const readable = async (bytes: Uint8Array) => {
    const file = folder.write('fuzz.npy', bytes)
    try {
      await readNpy(file)
    } catch (error) {
      expect(error).toBeInstanceOf(DataError)
      expect((error as DataError).message.startsWith(`${file}: `)).toBe(true)
    }
  }

  it('with damaged bytes is an error, never a crash', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(127), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        async damage => {
          const bytes = Buffer.from(whole)
          for (const [at, value] of damage) bytes[at] = value
          await readable(bytes)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('of random bytes, or cut anywhere, is an error, never a crash', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.nat(12), async (noise, kept) => {
        await readable(Buffer.concat([whole.subarray(0, kept), noise]))
      }),
      { numRuns: 300 },
    )
    for (let length = 0; length < whole.length; length++) await readable(whole.subarray(0, length))
  })

  it('made of the words of the format in any order is an error, never a crash', () => {
    const word = fc.constantFrom(
      "'descr'",
      "'shape'",
      "'fortran_order'",
      "'<f4'",
      'True',
      'False',
      'None',
      '(',
      ')',
      '[',
      ']',
      '{',
      '}',
      ',',
      ':',
      ' ',
      '1',
      '-2',
      '3L',
      '"',
      "'",
      '\\',
      '\n',
      '\0',
      'é',
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 40 }), words => {
        const bytes = npyHeader({ dictionary: words.join(''), version: 3 })
        try {
          parseNpyHeader('x.npy', bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(DataError)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
