import { writeFileSync } from 'node:fs'

/**
 * Writes an array as NumPy's np.save does, for any program that reads .npy files.
 *
 * @param {string | URL} path
 * @param {Float32Array | Int32Array} data
 * @param {readonly number[]} shape
 */
export function writeNpy(path, data, shape) {
  const descr = data instanceof Float32Array ? '<f4' : '<i4'
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`
  const dictionary = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`
  // Magic string, version 1.0, length of the header, header; the values begin at a multiple of 64.
  const length = Math.ceil((10 + dictionary.length + 1) / 64) * 64 - 10
  const header = Buffer.alloc(10 + length, ' ')
  header.write('\x93NUMPY\x01\x00', 'latin1')
  header.writeUInt16LE(length, 8)
  header.write(dictionary, 10, 'latin1')
  header.write('\n', header.length - 1)
  writeFileSync(path, Buffer.concat([header, Buffer.from(data.buffer, data.byteOffset, data.byteLength)]))
}
