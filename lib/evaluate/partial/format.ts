/**
 * A partial file: what one shard of a run has found, with all that it takes to tell whether it belongs to the others.
 *
 *     magic    8 bytes    \x89 LKP \r \n \x1a \n: changed by whatever takes the file for text
 *     version  uint32     of this format
 *     lengths  2 × uint32 of the header and of the tally
 *     header   JSON, UTF-8
 *     tally    see Tally.toBytes
 *     checksum 32 bytes   SHA-256 of all that comes before
 *
 * Numbers are little endian. Equal shards of equal runs have equal bytes.
 */

import { createHash } from 'node:crypto'
import { PartialError } from '../errors.ts'
import { type Header, headerBytes, readHeader } from './header.ts'

export interface Partial {
  readonly header: Header
  /** The bytes of a tally of the header's plan. */
  readonly tally: Uint8Array
}

const magic = Buffer.from('\x89LKP\r\n\x1a\n', 'latin1')
const version = 1
const prefixLength = 20
const checksumLength = 32

export function encodePartial({ header, tally }: Partial): Uint8Array {
  const head = headerBytes(header)
  const prefix = Buffer.alloc(prefixLength)
  magic.copy(prefix)
  prefix.writeUInt32LE(version, 8)
  prefix.writeUInt32LE(head.length, 12)
  prefix.writeUInt32LE(tally.length, 16)
  const content = Buffer.concat([prefix, head, tally])
  return Buffer.concat([content, checksum(content)])
}

/** Reads the bytes of the partial that people know as `name`. Whatever they are: a partial or a `PartialError`. */
export function decodePartial(name: string, bytes: Uint8Array): Partial {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (file.length === 0) throw new PartialError(`${name}: is empty, not a partial file.`)
  if (!file.subarray(0, magic.length).equals(magic)) {
    throw new PartialError(`${name}: is not a partial file of losskit, or its first bytes are damaged.`)
  }
  if (file.length < prefixLength) throw cutShort(name, file.length, prefixLength)
  const found = file.readUInt32LE(8)
  if (found !== version) {
    throw new PartialError(
      `${name}: has version ${found} of the format of partial files, this losskit reads version ${version}. ` +
        'Merge with the losskit that wrote it.',
    )
  }
  const headerEnd = prefixLength + file.readUInt32LE(12)
  const tallyEnd = headerEnd + file.readUInt32LE(16)
  const length = tallyEnd + checksumLength
  if (file.length < length) throw cutShort(name, file.length, length)
  if (file.length > length) {
    throw new PartialError(`${name}: is longer than it says: ${file.length} bytes instead of ${length}.`)
  }
  if (!checksum(file.subarray(0, tallyEnd)).equals(file.subarray(tallyEnd))) {
    throw new PartialError(`${name}: is damaged: its checksum does not fit. Compute this shard again.`)
  }
  return {
    header: readHeader(name, file.subarray(prefixLength, headerEnd)),
    tally: new Uint8Array(file.subarray(headerEnd, tallyEnd)),
  }
}

function checksum(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}

function cutShort(name: string, found: number, length: number): PartialError {
  return new PartialError(`${name}: is cut short: ${found} bytes of ${length}. Compute this shard again.`)
}
