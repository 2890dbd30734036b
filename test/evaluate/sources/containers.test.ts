import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EvaluateError } from '../../../lib/evaluate/errors.ts'
import { memorySource } from '../../../lib/evaluate/sources/memory.ts'
import { countRows, openInputs } from '../../../lib/evaluate/sources/open.ts'
import { npy, testFolder } from '../files.ts'
import { npzFiles } from './npz-files.ts'
import { errorOf, readAll, readInputs } from './read.ts'

const folder = testFolder()
const columns = { pred: 'pred', target: 'target' }

/** A safetensors file after the description of the format: length of the header, the header as JSON, the values. */
function safetensors(header: unknown, values: Uint8Array = new Uint8Array()): Buffer {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  return Buffer.concat([length, text, values])
}

describe.each(['stored', 'deflated'] as const)('a .npz file, %s', kind => {
  const file = folder.write(`${kind}.npz`, Buffer.from(npzFiles[kind], 'base64'))

  it('gives its arrays by name', async () => {
    const read = await readInputs({ file, ...columns })
    expect(read.columns).toEqual([
      [1.5, -2, 3, 4, 5, 6.25],
      [0n, 1n, 1n],
    ])
    const part = await readInputs({ file, ...columns }, { range: { first: 1, end: 3 }, chunkRows: 1 })
    expect([part.columns[0], part.rows]).toEqual([
      [3, 4, 5, 6.25],
      [1, 2],
    ])
    expect(await countRows({ file, ...columns })).toBe(3)
  })

  it('gives an array beside another file, and groups', async () => {
    const target = folder.write('t.npy', npy(Float32Array.of(7, 8, 9)))
    const read = await readInputs({ pred: `${file}:half`, target, by: `${file}:target` })
    expect(read.columns).toEqual([
      [0x3c00, 0xb800, 0x4000],
      [7, 8, 9],
    ])
    expect(read.groups).toEqual(['0', '1', '1'])
  })

  it('names what it has instead', async () => {
    const { message } = await errorOf(readInputs({ file, pred: 'logits', target: 'target' }))
    expect(message).toBe(`${file}: there is no array "logits". It has "pred", "target", "half".`)
  })

  it('is refused wherever it is cut short', async () => {
    const whole = readFileSync(file)
    for (let length = 4; length < whole.length; length += 13) {
      const cut = folder.write(`cut-${kind}.npz`, whole.subarray(0, length))
      expect(await errorOf(readInputs({ file: cut, ...columns }))).toBeInstanceOf(EvaluateError)
    }
  })
})

describe('a safetensors file', () => {
  const types: [string, string, ArrayBufferView, (number | bigint)[]][] = [
    ['F64', 'float64', Float64Array.of(0.1, -2), [0.1, -2]],
    ['F32', 'float32', Float32Array.of(1.5, -2), [1.5, -2]],
    ['F16', 'float16', Uint16Array.of(0x3c00, 0xb800), [0x3c00, 0xb800]],
    ['BF16', 'bfloat16', Uint16Array.of(0x3f80, 0xc000), [0x3f80, 0xc000]],
    ['I64', 'int64', BigInt64Array.of(-3n, 2n ** 40n), [-3n, 2n ** 40n]],
    ['I32', 'int32', Int32Array.of(-100, 70000), [-100, 70000]],
    ['I16', 'int16', Int16Array.of(-5, 300), [-5, 300]],
    ['I8', 'int8', Int8Array.of(-1, 127), [-1, 127]],
    ['U64', 'int64', BigUint64Array.of(7n, 2n ** 63n - 1n), [7n, 2n ** 63n - 1n]],
    ['U32', 'uint32', Uint32Array.of(1, 2 ** 32 - 1), [1, 2 ** 32 - 1]],
    ['U16', 'uint16', Uint16Array.of(1, 65535), [1, 65535]],
    ['U8', 'uint8', Uint8Array.of(0, 255), [0, 255]],
    ['BOOL', 'uint8', Uint8Array.of(1, 0), [1, 0]],
  ]
  it.each(types)('reads %s as %s', async (dtype, expected, values, numbers) => {
    const bytes = new Uint8Array(values.buffer)
    // Three bytes before it, so that it is not aligned.
    const header = {
      __metadata__: { format: 'pt' },
      other: { dtype: 'U8', shape: [3], data_offsets: [0, 3] },
      x: { dtype, shape: [2], data_offsets: [3, 3 + bytes.length] },
    }
    const file = folder.write('one.safetensors', safetensors(header, Buffer.concat([Buffer.alloc(3), bytes])))
    const inputs = { file, pred: 'x', target: 'x' }
    const source = await openInputs(inputs, { wholeRows: true })
    expect(source.fields[0]?.dtype).toBe(expected)
    await source.close()
    expect((await readInputs(inputs)).columns).toEqual([numbers, numbers])
  })

  it('keeps the shape of a matrix, and gives ranges of its rows', async () => {
    const values = Float32Array.from({ length: 30 }, (_, i) => i)
    const header = { z: { dtype: 'F32', shape: [10, 3], data_offsets: [0, 120] } }
    const file = folder.write('matrix.safetensors', safetensors(header, new Uint8Array(values.buffer)))
    const inputs = { pred: `${file}:z`, target: `${file}:z` }
    const read = await readInputs(inputs, { range: { first: 4, end: 9 }, chunkRows: 2 })
    expect(read.columns[0]).toEqual([...values.subarray(12, 27)])
    expect(read.rows).toEqual([4, 5, 6, 7, 8])
    expect(await countRows(inputs)).toBe(10)
  })

  const tensor = (fields: object) => ({ x: { dtype: 'F32', shape: [1], data_offsets: [0, 4], ...fields } })
  it.each<[string, unknown, RegExp]>([
    ['JSON that is none', '{"x":\n', /header of safetensors cannot be read: it is not JSON\.$/],
    ['a list', [], /it is not an object/],
    ['no such tensor', { y: 1 }, /there is no tensor "x"\. It has "y"\./],
    ['the metadata', { __metadata__: { x: 'y' } }, /there is no tensor "x"\. It has none\./],
    ['a tensor that is none', { x: 1 }, /it is not an object/],
    ['an unknown type', tensor({ dtype: 'F8_E4M3' }), /is of type "F8_E4M3", which cannot be read/],
    ['a type of every object', tensor({ dtype: 'constructor' }), /is of type "constructor"/],
    ['a negative size', tensor({ shape: [-1] }), /shape is not a list of sizes/],
    ['a huge size', tensor({ shape: [2 ** 52, 2 ** 52] }), /its shape takes .* bytes/],
    ['no rows', tensor({ shape: [] }), /holds a single number/],
    ['backward offsets', tensor({ data_offsets: [4, 0] }), /ends before it begins/],
    ['one offset', tensor({ data_offsets: [0] }), /not a pair/],
    ['values beyond the end', tensor({ shape: [2], data_offsets: [0, 8] }), /is cut short/],
  ])('is refused with %s', async (_, header, message) => {
    const file = folder.write('bad.safetensors', safetensors(header, new Uint8Array(4)))
    const error = await errorOf(readInputs({ file, pred: 'x', target: 'x' }))
    expect(error.message).toMatch(message)
    expect(error.message).not.toContain('\n')
    expect(error).toBeInstanceOf(EvaluateError)
  })

  it('is refused when its header is longer than the file', async () => {
    const file = folder.write('long.safetensors', Buffer.concat([Buffer.alloc(8, 0xff), Buffer.from('{}')]))
    const { message } = await errorOf(readInputs({ file, pred: 'x', target: 'x' }))
    expect(message).toMatch(/it is 18446744073709551615 bytes long, and the file 10/)
  })
})

describe('damaged headers are errors of their own kind, and quick', () => {
  const header = { x: { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] } }
  const whole: [string, Buffer, { pred: string; target: string }][] = [
    ['safetensors', safetensors(header, new Uint8Array(16)), { pred: 'x', target: 'x' }],
    ['npz', Buffer.from(npzFiles.stored, 'base64'), columns],
    ['npz', Buffer.from(npzFiles.deflated, 'base64'), columns],
    ['npy', npy(new Float32Array(4), { shape: [2, 2] }), { pred: '', target: '' }],
  ]
  it.each(whole)('.%s', async (extension, bytes, names) => {
    const file = join(folder.path, `fuzz.${extension}`)
    const at = fc.nat({ max: bytes.length - 1 })
    const change = fc.oneof(
      fc.record({ at, bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }) }),
      fc.record({ at, bytes: fc.constant(new Uint8Array(8).fill(0xff)) }),
    )
    const length = fc.oneof(fc.constant(bytes.length), fc.nat({ max: bytes.length }))
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), length, async (changes, end) => {
        const damaged = Buffer.from(bytes)
        for (const { at, bytes } of changes) damaged.set(bytes.subarray(0, damaged.length - at), at)
        writeFileSync(file, damaged.subarray(0, end))
        const inputs = extension === 'npy' ? { pred: file, target: file } : { file, ...names }
        const before = process.memoryUsage().arrayBuffers
        const started = performance.now()
        try {
          await readInputs(inputs)
        } catch (error) {
          if (!(error instanceof EvaluateError)) throw error
          expect(error.message).not.toContain('\n')
        }
        expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 26)
        expect(performance.now() - started).toBeLessThan(5000)
      }),
      { numRuns: 300 },
    )
  })
})

describe('CSV in gzip', () => {
  const text = `p,y\n${Array.from({ length: 5000 }, (_, i) => `${i / 4},${i % 3}`).join('\n')}\n`

  it('is the same as CSV', async () => {
    const packed = folder.write('t.csv.gz', gzipSync(text))
    const plain = folder.write('t.csv', text)
    const of = (file: string) => readInputs({ file, pred: 'p', target: 'y' })
    expect(await of(packed)).toEqual(await of(plain))
  })

  it('is refused when cut short', async () => {
    const packed = gzipSync(text)
    const file = folder.write('cut.csv.gz', packed.subarray(0, packed.length / 2))
    const error = await errorOf(readInputs({ file, pred: 'p', target: 'y' }))
    expect(error).toBeInstanceOf(EvaluateError)
    expect(error.message).toContain(file)
  })
})

describe('arrays in memory', () => {
  const pred = { data: Float32Array.from({ length: 20 }, (_, i) => i), shape: [10, 2] }
  const target = Int32Array.from({ length: 10 }, (_, i) => i % 2)

  it('are cut into batches and ranges', async () => {
    const by = Array.from({ length: 10 }, (_, i) => (i < 7 ? 'a' : 'b'))
    const source = memorySource({ pred, target, by }, { chunkRows: 3, range: { first: 2, end: 9 } })
    const read = await readAll(source)
    expect(read.columns).toEqual([[...pred.data.subarray(4, 18)], [...target.subarray(2, 9)]])
    expect(read.rows).toEqual([2, 3, 4, 5, 6, 7, 8])
    expect(read.groups).toEqual(['a', 'a', 'a', 'a', 'a', 'b', 'b'])
  })

  it('are refused where they do not fit', () => {
    expect(() => memorySource({ pred, target: Int32Array.of(1) })).toThrow('pred has 10 rows, target has 1.')
    expect(() => memorySource({ pred: { ...pred, shape: [7, 2] }, target })).toThrow(
      'pred: its shape takes 14 numbers, it has 20.',
    )
  })
})
