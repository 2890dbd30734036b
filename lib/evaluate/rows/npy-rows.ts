import { TemporaryFile } from '../temporary.ts'
import type { RowColumns, RowsFile } from './rows-file.ts'

/** Room for any number of rows, so that the header can be written again when that is known. */
const headerBytes = 128

/** An array of shape (rows,), or (rows, losses) of several; NaN where a row does not count. */
export async function openNpyRows(path: string, { losses }: RowColumns): Promise<RowsFile> {
  const file = await TemporaryFile.open(path)
  let total = 0
  let isWide = false
  await file.write(new Uint8Array(headerBytes))
  return {
    async write(columns, { rows }) {
      // The columns of a run are of one type in all of its batches.
      isWide = columns.some(({ values }) => values instanceof Float64Array)
      const Kind = isWide ? Float64Array : Float32Array
      const table = new Kind(rows * columns.length)
      for (const [c, { values, ignored }] of columns.entries()) {
        for (let row = 0; row < rows; row++) {
          table[row * columns.length + c] = ignored?.[row] === 1 ? Number.NaN : (values[row] as number)
        }
      }
      total += rows
      await file.write(new Uint8Array(table.buffer))
    },
    async finish() {
      await file.write(
        header(isWide, losses.length === 1 ? `(${total},)` : `(${total}, ${losses.length})`),
        0,
      )
      await file.finish()
    },
    discard: () => file.discard(),
  }
}

/** Version 1.0 of NEP 1: magic, version, length, dictionary, padding. */
function header(isWide: boolean, shape: string): Uint8Array {
  const dictionary = `{'descr': '${isWide ? '<f8' : '<f4'}', 'fortran_order': False, 'shape': ${shape}, }`
  const begin = Buffer.from('\x93NUMPY\x01\x00', 'latin1')
  const length = Buffer.alloc(2)
  length.writeUInt16LE(headerBytes - 10)
  return Buffer.concat([begin, length, Buffer.from(`${dictionary.padEnd(headerBytes - 11)}\n`)])
}
