import { rowNumber } from '../source.ts'
import { TemporaryFile } from '../temporary.ts'
import type { RowColumns, RowsFile } from './rows-file.ts'

/** Rows that become one piece of text at a time. */
const piece = 2 ** 14

/** `row,segment,mse`: numbers with all their digits, nothing where a row does not count. */
export async function openCsvRows(path: string, { losses, by }: RowColumns): Promise<RowsFile> {
  const file = await TemporaryFile.open(path)
  const header = ['row', ...(by === undefined ? [] : [by]), ...losses]
  await file.write(Buffer.from(`${header.map(cell).join(',')}\n`))
  return {
    async write(columns, batch) {
      const { rows, groups } = batch
      const names = groups?.names.map(cell)
      for (let start = 0; start < rows; start += piece) {
        let text = ''
        for (let row = start; row < Math.min(rows, start + piece); row++) {
          text += rowNumber(batch, row)
          if (by !== undefined) text += `,${names?.[groups?.ids[row] as number] ?? ''}`
          for (const { values, ignored } of columns) text += ignored?.[row] === 1 ? ',' : `,${values[row]}`
          text += '\n'
        }
        await file.write(Buffer.from(text))
      }
    },
    finish: () => file.finish(),
    discard: () => file.discard(),
  }
}

function cell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
