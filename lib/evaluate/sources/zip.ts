import { DataError } from '../errors.ts'
import { type Bytes, bytesAt } from './bytes.ts'

/** A file in a zip archive. */
export interface ZipEntry {
  readonly name: string
  /** 0 is stored as it is, 8 is deflated. */
  readonly method: number
  readonly packedSize: number
  readonly size: number
  /** Where its local header begins. */
  readonly offset: number
}

const signature = {
  entry: 0x02014b50,
  local: 0x04034b50,
  end: 0x06054b50,
  end64: 0x06064b50,
  find64: 0x07064b50,
}

/** The end record and the longest comment behind it. */
const longestEnd = 22 + 65_535

/** Room for a hundred thousand arrays; a size in a damaged file must not become a request for memory. */
const longestDirectory = 2 ** 24

/** The entries of an archive of `size` bytes, from the directory at its end. */
export async function zipEntries(name: string, bytes: Bytes, size: number): Promise<readonly ZipEntry[]> {
  const { count, start, length } = await findDirectory(name, bytes, size)
  if (length > longestDirectory || start + length > size)
    throw damaged(name, 'its directory is out of bounds')
  const directory = Buffer.from(await bytesAt(bytes, start, length))
  const entries: ZipEntry[] = []
  for (let at = 0; entries.length < count; ) {
    if (at + 46 > directory.length || directory.readUInt32LE(at) !== signature.entry) {
      throw damaged(name, 'its directory is broken')
    }
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map(i => directory.readUInt16LE(at + i))
    const end = at + 46 + (nameLength as number) + (extraLength as number) + (commentLength as number)
    if (end > directory.length) throw damaged(name, 'its directory is broken')
    entries.push(entryAt(name, directory.subarray(at, end)))
    at = end
  }
  return entries
}

function entryAt(archive: string, record: Buffer): ZipEntry {
  if (record.readUInt16LE(8) & 1) throw new DataError(`${archive}: is encrypted, which cannot be read.`)
  const nameEnd = 46 + record.readUInt16LE(28)
  const name = record.toString('utf8', 46, nameEnd)
  const extra = record.subarray(nameEnd, nameEnd + record.readUInt16LE(30))
  const sizes = [24, 20, 42].map(i => record.readUInt32LE(i))
  const [size, packedSize, offset] = wide(archive, extra, sizes) as [number, number, number]
  return { name, method: record.readUInt16LE(10), packedSize, size, offset }
}

/** Numbers of 32 bits that are all ones stand in an extra field, with 64. */
function wide(archive: string, extra: Buffer, numbers: readonly number[]): readonly number[] {
  let field: Buffer = Buffer.alloc(0)
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) === 1) field = extra.subarray(at + 4, at + 4 + extra.readUInt16LE(at + 2))
  }
  let at = 0
  return numbers.map(number => {
    if (number !== 0xffffffff) return number
    if (at + 8 > field.length) throw damaged(archive, 'a size is missing')
    at += 8
    return safe(archive, field.readBigUInt64LE(at - 8))
  })
}

async function findDirectory(name: string, bytes: Bytes, size: number) {
  const tailStart = Math.max(0, size - longestEnd)
  const tail = Buffer.from(await bytesAt(bytes, tailStart, size - tailStart))
  let end = tail.length - 22
  while (end >= 0 && tail.readUInt32LE(end) !== signature.end) end--
  if (end < 0) throw damaged(name, 'it is cut short, or no zip archive')
  const [count, length, start] = [
    tail.readUInt16LE(end + 10),
    tail.readUInt32LE(end + 12),
    tail.readUInt32LE(end + 16),
  ]
  if (count !== 0xffff && length !== 0xffffffff && start !== 0xffffffff) return { count, length, start }
  if (end < 20 || tail.readUInt32LE(end - 20) !== signature.find64) return { count, length, start }
  const at = safe(name, tail.readBigUInt64LE(end - 12))
  const record = Buffer.from(await bytesAt(bytes, at, 56))
  if (record.length < 56 || record.readUInt32LE(0) !== signature.end64)
    throw damaged(name, 'its end is broken')
  const [count64, length64, start64] = [32, 40, 48].map(i => safe(name, record.readBigUInt64LE(i)))
  return { count: count64 as number, length: length64 as number, start: start64 as number }
}

/** Where the bytes of an entry begin: behind its local header, whose extra field may differ from that of the directory. */
export async function entryStart(name: string, bytes: Bytes, entry: ZipEntry): Promise<number> {
  const header = Buffer.from(await bytesAt(bytes, entry.offset, 30))
  if (header.length < 30 || header.readUInt32LE(0) !== signature.local) {
    throw damaged(name, `the header of ${entry.name} is broken`)
  }
  return entry.offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28)
}

function safe(name: string, value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw damaged(name, 'a size is out of bounds')
  return Number(value)
}

function damaged(name: string, what: string): DataError {
  return new DataError(`${name}: the archive cannot be read: ${what}.`)
}
