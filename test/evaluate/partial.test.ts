import { readFileSync, writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PartialError } from '../../lib/evaluate/errors.ts'
import { tallyOf } from '../../lib/evaluate/evaluate.ts'
import { fingerprintFile } from '../../lib/evaluate/partial/fingerprint.ts'
import { decodePartial, encodePartial } from '../../lib/evaluate/partial/format.ts'
import { Merger, wholePartial } from '../../lib/evaluate/partial/merge.ts'
import { describeRun, evaluateShard } from '../../lib/evaluate/partial/run.ts'
import { parseShard, rowsOf } from '../../lib/evaluate/partial/shard.ts'
import type { Plan } from '../../lib/evaluate/plan.ts'
import { type Inputs, openInputs } from '../../lib/evaluate/sources/open.ts'
import { npy, testFolder } from './files.ts'

const folder = testFolder()
const values = Float32Array.from({ length: 103 }, (_, i) => Math.sin(i) * 10 ** (i % 7))
const inputs = columns('p.npy', values)
const plan: Plan = {
  losses: [{ loss: 'mse' }, { loss: 'huber', options: { delta: 0.5 } }],
  worst: 3,
  quantiles: true,
}

function columns(name: string, pred: Float32Array): Inputs {
  const target = folder.write('zeros.npy', npy(new Float32Array(values.length)))
  return { pred: folder.write(name, npy(pred)), target }
}

async function shards(count: number, of = inputs, asked = plan): Promise<Uint8Array[]> {
  const run = await describeRun(of, asked)
  const parts = Array.from({ length: count }, (_, i) =>
    evaluateShard(run, of, { index: i + 1, count }, { chunkRows: 7 }),
  )
  return (await Promise.all(parts)).map(encodePartial)
}

const merge = (parts: readonly Uint8Array[]) =>
  parts.reduce((merger, bytes, i) => merger.add(`${i + 1}.part`, bytes), new Merger())

describe('a shard', () => {
  it.each([
    ['1/1', { index: 1, count: 1 }],
    ['3/10', { index: 3, count: 10 }],
    [' 10/10 ', { index: 10, count: 10 }],
  ])('is counted from 1: %s', (text, shard) => {
    expect(parseShard(text)).toEqual(shard)
  })

  it.each(['0/10', '11/10', '3', '3/', '/3', '-1/3', '1.5/3', '1/0', 'a/b', '1/2/3', ''])(
    'is not %j',
    text => {
      expect(() => parseShard(text)).toThrow(/is no shard\. Shards are counted from 1/)
    },
  )

  it('is the rows from floor((i - 1) R / n) to floor(i R / n)', () => {
    expect([1, 2, 3].map(index => rowsOf({ index, count: 3 }, 10))).toEqual([
      { first: 0, end: 3 },
      { first: 3, end: 6 },
      { first: 6, end: 10 },
    ])
    // 7 · 9007199254740991 is beyond what a float64 holds.
    expect(rowsOf({ index: 7, count: 9 }, Number.MAX_SAFE_INTEGER)).toEqual({
      first: Number((6n * 9007199254740991n) / 9n),
      end: Number((7n * 9007199254740991n) / 9n),
    })
  })

  it('joins the next one, and all of them are all rows', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.nat(1000), (count, rows) => {
        const ranges = Array.from({ length: count }, (_, i) => rowsOf({ index: i + 1, count }, rows))
        expect(ranges[0]?.first).toBe(0)
        expect(ranges.at(-1)?.end).toBe(rows)
        for (const [i, { first }] of ranges.slice(1).entries()) expect(first).toBe(ranges[i]?.end)
      }),
    )
  })
})

describe('shards of a query', () => {
  const query = 'SELECT i / 7 AS p, sin(i) AS t FROM range(50) r(i)'
  const ordered: Inputs = { sql: `${query} ORDER BY i`, pred: 'p', target: 't' }

  it('have the bits of the whole, where the query says its order', async () => {
    const { tally } = merge(await shards(4, ordered)).finish()
    const whole = await tallyOf(await openInputs(ordered, { wholeRows: true }), plan)
    expect(tally.report()).toEqual(whole.report())
  })

  it('are refused where it does not: rows might be counted twice', async () => {
    await expect(shards(4, { ...ordered, sql: query })).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_USAGE', message: expect.stringContaining('ORDER BY') }),
    )
  })
})

describe('merged partials', () => {
  it.each([1, 2, 3, 33, 103, 150])(
    'of %i shards, in any order, have the bytes of one process',
    async count => {
      const whole = await tallyOf(await openInputs(inputs, { wholeRows: true }), plan)
      const parts = await shards(count)
      for (const order of [parts, parts.toReversed(), shuffled(parts)]) {
        expect(Buffer.from(merge(order).finish().tally.toBytes()).equals(whole.toBytes())).toBe(true)
      }
    },
  )

  it('are the partial of a single shard', async () => {
    const [one] = await shards(1)
    const merged = encodePartial(wholePartial(merge(await shards(5)).finish()))
    expect(Buffer.from(merged).equals(one as Uint8Array)).toBe(true)
  })

  it('keep options that JSON has no word for', async () => {
    const asked: Plan = { losses: [{ loss: 'huber', options: { delta: Number.POSITIVE_INFINITY } }] }
    const parts = await shards(2, inputs, { losses: [{ loss: 'huber', options: { delta: 1 } }] })
    const { header } = decodePartial('a', parts[0] as Uint8Array)
    const again = decodePartial(
      'b',
      encodePartial({ header: { ...header, run: { ...header.run, plan: asked } }, tally: new Uint8Array() }),
    )
    expect(again.header.run.plan).toMatchObject(asked)
  })

  it('do not depend on where the files lie', async () => {
    const copy: Inputs = {
      pred: folder.write('copy.npy', readFileSync(inputs.pred)),
      target: folder.write('copy-target.npy', readFileSync(inputs.target)),
    }
    const [a] = await shards(2)
    const [, b] = await shards(2, copy)
    expect(merge([a as Uint8Array, b as Uint8Array]).finish().tally.rows).toBe(103)
  })
})

describe('merging refuses', () => {
  const refuses = async (parts: readonly Uint8Array[], message: RegExp | string) => {
    expect(() => merge(parts).finish()).toThrow(PartialError)
    expect(() => merge(parts).finish()).toThrow(message)
  }

  it('nothing at all', () => refuses([], 'there are no partial files to merge'))

  it('missing shards, naming them', async () => {
    const parts = await shards(10)
    await refuses(parts.slice(1), 'shard 1 of 10 is missing')
    const some = parts.filter((_, i) => ![1, 4, 5, 6, 9].includes(i))
    await refuses(some, 'shards 2, 5 to 7, 10 of 10 are missing')
  })

  it('a shard that comes twice, naming both files', async () => {
    const [a, b] = (await shards(2)) as [Uint8Array, Uint8Array]
    await refuses([a, b, a], '1.part and 3.part: both are shard 1/2')
  })

  it('shards of different cuts, whose rows overlap', async () => {
    const [a] = (await shards(2)) as [Uint8Array]
    const [, b, c] = (await shards(3)) as [Uint8Array, Uint8Array, Uint8Array]
    await refuses(
      [a, b, c],
      '1.part and 2.part: cannot be merged: they are shards of different cuts, 1/2 and 2/3',
    )
  })

  it('other data, naming the files', async () => {
    const other = columns(
      'other.npy',
      values.map(value => value + 1),
    )
    const [a] = (await shards(2)) as [Uint8Array]
    const [, b] = (await shards(2, other)) as [Uint8Array, Uint8Array]
    await refuses(
      [a, b],
      /1\.part and 2\.part: .* different data: .*p\.npy \(540 bytes, .*other\.npy \(540 bytes, /,
    )
  })

  it('other losses, and other options of the same', async () => {
    const [a] = (await shards(2)) as [Uint8Array]
    for (const losses of [[{ loss: 'mae' }], [{ loss: 'mse' }, { loss: 'huber', options: { delta: 2 } }]]) {
      const [, b] = (await shards(2, inputs, { ...plan, losses })) as [Uint8Array, Uint8Array]
      await refuses([a, b], '1.part and 2.part: cannot be merged: other losses or options: ')
    }
  })

  it('other columns of the same file', async () => {
    const file = folder.write('data.csv', 'a,b,y\n1,2,0\n3,4,0\n')
    const [a] = (await shards(2, { file, pred: 'a', target: 'y' })) as [Uint8Array]
    const [, b] = (await shards(2, { file, pred: 'b', target: 'y' })) as [Uint8Array, Uint8Array]
    await refuses([a, b], 'other columns: {"pred":"a","target":"y"}, and {"pred":"b","target":"y"}')
  })

  it('another version of losskit, and of the format', async () => {
    const [a] = (await shards(1)) as [Uint8Array]
    const { header, tally } = decodePartial('a', a)
    const old = encodePartial({ header: { ...header, run: { ...header.run, losskit: '0.0.1' } }, tally })
    await refuses([old], '1.part: was computed by losskit 0.0.1, this is ')
    const next = Buffer.from(a)
    next.writeUInt32LE(2, 8)
    await refuses(
      [next],
      '1.part: has version 2 of the format of partial files, this losskit reads version 1',
    )
  })

  it('a header that losskit does not write', async () => {
    const [a] = (await shards(1)) as [Uint8Array]
    const { header, tally } = decodePartial('a', a)
    await refuses(
      [encodePartial({ header: { ...header, shard: { index: 2, count: 1 } }, tally })],
      'its header',
    )
  })
})

describe('reading a partial file', () => {
  it('survives any flipped bit', async () => {
    const [good] = (await shards(1)) as [Uint8Array]
    fc.assert(
      fc.property(fc.nat(good.length * 8 - 1), bit => {
        const bad = good.slice()
        bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7))
        expect(() => merge([bad])).toThrow(PartialError)
      }),
      { numRuns: 2000 },
    )
  })

  it('survives being cut or extended anywhere', async () => {
    const [good] = (await shards(1)) as [Uint8Array]
    for (let length = 0; length < good.length; length++) {
      expect(() => merge([good.subarray(0, length)])).toThrow(/1\.part: is (empty|not a partial|cut short)/)
    }
    expect(() => merge([Buffer.concat([good, Buffer.of(0)])])).toThrow('1.part: is longer than it says')
  })

  it('survives any bytes, those with a right checksum too', async () => {
    const [good] = (await shards(1)) as [Uint8Array]
    const { header } = decodePartial('good', good)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        expect(() => merge([bytes])).toThrow(PartialError)
        expect(() => merge([encodePartial({ header, tally: bytes })])).toThrow(PartialError)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('the fingerprint of a file', () => {
  it('is that of its size, its beginning and its end', async () => {
    // From Python: hashlib.sha256(struct.pack('<Q', 200000) + bytes(65536) + bytes(65535) + b'\x01').hexdigest()
    const data = Buffer.alloc(200_000)
    data[199_999] = 1
    const path = folder.write('big.bin', data)
    expect(await fingerprintFile(path)).toEqual({
      name: path,
      size: 200_000,
      sha256: '7c79f21d4b7fdd0fb7d4ba5cb91f447004375599d819f68d4a3cae2c04f6695b',
    })
  })

  it('tells of a file that is not there', async () => {
    await expect(fingerprintFile('/nowhere/at-all')).rejects.toThrow(
      '/nowhere/at-all: cannot be read: there is no such file',
    )
  })

  it('changes with the first byte, the last one and the size', async () => {
    const prints = new Set<string>()
    for (const change of [
      (data: Buffer) => data,
      (data: Buffer) => data.fill(1, 0, 1),
      (data: Buffer) => data.fill(1, 299_999),
      (data: Buffer) => Buffer.concat([data, Buffer.of(0)]),
    ]) {
      const path = folder.write('changing.bin', '')
      writeFileSync(path, change(Buffer.alloc(300_000)))
      prints.add((await fingerprintFile(path)).sha256)
    }
    expect(prints.size).toBe(4)
  })
})

function shuffled<T>(list: readonly T[]): readonly T[] {
  return list.map((_, i) => list[(i * 61 + 7) % list.length] as T)
}
