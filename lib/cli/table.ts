import Table from 'cli-table3'
import type { LossReport, Report } from '../evaluate/report.ts'

/** The report for people: one line per loss, numbers with every digit that they have. */
export function table(report: Report, color: boolean): string {
  // Colours come from here and not from the library, which does not know NO_COLOR.
  const bold = (text: string) => (color ? `\x1b[1m${text}\x1b[22m` : text)
  const grid = new Table({
    head: ['loss', 'value', 'count'].map(bold),
    colAligns: ['left', 'right', 'right'],
    style: { head: [], border: [] },
  })
  for (const loss of report.losses) grid.push([title(loss), bold(String(loss.value)), String(loss.count)])
  return `${grid.toString()}\n${report.rows} row${report.rows === 1 ? '' : 's'}\n`
}

/** A loss with its options, as in `huber (delta 2)`. */
export function title({ loss, options }: Pick<LossReport, 'loss' | 'options'>): string {
  const given = Object.entries(options).map(([name, value]) => `${name} ${shown(value)}`)
  return given.length === 0 ? loss : `${loss} (${given.join(', ')})`
}

function shown(value: unknown): string {
  if (!Array.isArray(value)) return String(value)
  return value.length > 4 ? `[${value.slice(0, 3).join(', ')}, … ${value.length}]` : `[${value.join(', ')}]`
}

/** Colour is for terminals, unless https://no-color.org asks for none. */
export function wantsColor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'
}
