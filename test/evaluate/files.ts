import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

/** A folder of its own for the files of one test file, removed in the end. */
export function testFolder(): {
  readonly path: string
  write(name: string, content: string | Uint8Array): string
} {
  const path = mkdtempSync(join(tmpdir(), 'losskit-test-'))
  afterAll(() => rmSync(path, { recursive: true, force: true }))
  return {
    path,
    write(name, content) {
      const file = join(path, name)
      writeFileSync(file, content)
      return file
    },
  }
}

const descrs = new Map<unknown, string>([
  [Float32Array, '<f4'],
  [Float64Array, '<f8'],
  [Int8Array, '|i1'],
  [Uint8Array, '|u1'],
  [Int16Array, '<i2'],
  [Uint16Array, '<u2'],
  [Int32Array, '<i4'],
  [Uint32Array, '<u4'],
  [BigInt64Array, '<i8'],
])

export interface NpyParts {
  readonly descr?: string
  readonly shape?: readonly number[]
  readonly fortran?: boolean
  /** The dictionary itself, in place of the three above. */
  readonly dictionary?: string
  readonly version?: number
}

/** A .npy file after the description of the format (NEP 1): magic, version, length, dictionary, values. */
export function npy(data: ArrayBufferView & { readonly length: number }, parts: NpyParts = {}): Buffer {
  const { shape = [data.length], version = 1 } = parts
  const values = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  return Buffer.concat([npyHeader({ ...parts, descr: parts.descr ?? descrOf(data), shape, version }), values])
}

export function npyHeader({
  descr = '<f4',
  shape = [],
  fortran = false,
  dictionary,
  version = 1,
}: NpyParts): Buffer {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`
  const order = fortran ? 'True' : 'False'
  const text = dictionary ?? `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${tuple}, }`
  const prefix = version === 1 ? 10 : 12
  const padded = text.padEnd(Math.ceil((prefix + text.length + 1) / 64) * 64 - prefix - 1)
  const header = Buffer.from(`${padded}\n`, 'utf8')
  const length = Buffer.alloc(prefix - 8)
  if (version === 1) length.writeUInt16LE(header.length)
  else length.writeUInt32LE(header.length)
  return Buffer.concat([Buffer.from('\x93NUMPY', 'latin1'), Buffer.of(version, 0), length, header])
}

function descrOf(data: ArrayBufferView): string {
  const descr = descrs.get(data.constructor)
  if (descr === undefined) throw new Error(`no descr for ${data.constructor.name}`)
  return descr
}
