import { LosskitStateError } from './errors.ts'
import type { Identity } from './identity.ts'
import { show } from './show.ts'
import { readSum, type Sum } from './sum.ts'
import { kindOf } from './tensor/dtype.ts'

/**
 * The bytes of an accumulator: `LOSSKIT`, a version, a checksum of the rest, the length of the description, the description
 * (JSON: which loss, which options), and the state as the addon keeps it, nothing where no row was ever added. The same
 * rows under the same options give the same bytes.
 */
const MAGIC = Buffer.from('LOSSKIT')
const VERSION = 1
const AT = { version: 7, checksum: 8, length: 12, description: 16 } as const

export interface Stored {
  readonly loss: string
  readonly options: Identity
  readonly sum: Sum | undefined
}

export function encode({ loss, options, sum }: Stored): Uint8Array {
  const description = Buffer.from(JSON.stringify({ loss, options }, writeNumber))
  const bytes = Buffer.alloc(AT.description + description.length + (sum?.state.length ?? 0))
  MAGIC.copy(bytes)
  bytes[AT.version] = VERSION
  bytes.writeUInt32LE(description.length, AT.length)
  description.copy(bytes, AT.description)
  if (sum !== undefined) bytes.set(sum.state, AT.description + description.length)
  bytes.writeUInt32LE(crc32(bytes.subarray(AT.length)), AT.checksum)
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** Reads bytes of any origin for the loss `name`: nothing of them is believed before it is checked. */
export function decode(name: string, given: unknown): Stored {
  if (kindOf(given) !== 'Uint8Array') {
    throw new LosskitStateError(
      `${name}: bytes are ${show(given)}. They must be the Uint8Array that toBytes gave.`,
    )
  }
  const bytes = Buffer.from(given as Uint8Array)
  if (bytes.length < AT.description || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new LosskitStateError(`${name}: these bytes are not an accumulator of losskit.`)
  }
  if (bytes[AT.version] !== VERSION) {
    throw new LosskitStateError(
      `${name}: these bytes have format ${bytes[AT.version]}, this version of losskit reads format ${VERSION}.`,
    )
  }
  const end = AT.description + bytes.readUInt32LE(AT.length)
  const isWhole = end <= bytes.length && crc32(bytes.subarray(AT.length)) === bytes.readUInt32LE(AT.checksum)
  const description = isWhole ? parse(bytes.toString('utf8', AT.description, end)) : undefined
  if (description === undefined) throw damaged(name)
  if (description.loss !== name) {
    throw new LosskitStateError(`${name}: these bytes are an accumulator of ${description.loss}.`)
  }
  if (end === bytes.length) return { ...description, sum: undefined }
  // A copy, at an address of its own: the addon reads whole numbers in it.
  const sum = readSum(new Uint8Array(bytes.subarray(end)))
  if (sum === undefined) throw damaged(name)
  return { ...description, sum }
}

/** JSON has no infinity. No tensor has a fingerprint of this name. */
function writeNumber(_: string, value: unknown): unknown {
  return value === Number.POSITIVE_INFINITY ? 'Infinity' : value
}

function readNumber(_: string, value: unknown): unknown {
  return value === 'Infinity' ? Number.POSITIVE_INFINITY : value
}

function parse(text: string): { loss: string; options: Identity } | undefined {
  let value: unknown
  try {
    value = JSON.parse(text, readNumber)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || !('loss' in value) || !('options' in value))
    return undefined
  const { loss, options } = value
  if (typeof loss !== 'string' || typeof options !== 'object' || options === null) return undefined
  const areOptions = Object.values(options).every(
    option => typeof option === 'number' || typeof option === 'string',
  )
  return areOptions ? { loss, options: options as Identity } : undefined
}

/** Taken when first needed: Node takes a good part of the time of `import 'losskit'` to make this module. */
function crc32(bytes: Uint8Array): number {
  return process.getBuiltinModule('node:zlib').crc32(bytes)
}

function damaged(name: string): LosskitStateError {
  return new LosskitStateError(`${name}: these bytes are damaged or cut off.`)
}
