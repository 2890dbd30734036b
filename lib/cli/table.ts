import Table from 'cli-table3'
import type { LossReport, Report } from '../evaluate/report.ts'

/** The report for people: one line per loss, then what else was asked; numbers with every digit that they have. */
export function table(report: Report, color: boolean): string {
  const { losses, rows } = report
  // Colours come from here and not from the library, which does not know NO_COLOR.
  const bold = (text: string) => (color ? `\x1b[1m${text}\x1b[22m` : text)
  const parts = [
    grid(
      ['loss', 'value', 'count'],
      losses.map(loss => [title(loss), bold(String(loss.value)), String(loss.count)]),
      bold,
    ),
    `${rows} row${rows === 1 ? '' : 's'}\n`,
    groups(losses, bold),
    quantiles(losses, bold),
    classification(losses, bold),
    ...losses.map(loss => worst(loss, bold)),
  ]
  return parts.join('')
}

type Style = (text: string) => string

/** The first column is words, the others are numbers. */
function grid(head: readonly string[], lines: readonly (readonly string[])[], bold: Style): string {
  const made = new Table({
    head: head.map(bold),
    colAligns: head.map((_, i) => (i === 0 ? 'left' : 'right')),
    style: { head: [], border: [] },
  })
  for (const line of lines) made.push([...line])
  return `${made.toString()}\n`
}

/** More groups than this are for --json. */
const shownGroups = 50

function groups(losses: readonly LossReport[], bold: Style): string {
  const all = losses[0]?.groups
  if (all === undefined) return ''
  const lines = all
    .slice(0, shownGroups)
    .map(({ name, count }, i) => [
      name,
      ...losses.map(loss => String(loss.groups?.[i]?.value)),
      String(count),
    ])
  const more = all.length > shownGroups ? `and ${all.length - shownGroups} more groups, see --json\n` : ''
  return `\n${grid(['group', ...losses.map(title), 'count'], lines, bold)}${more}`
}

function quantiles(losses: readonly LossReport[], bold: Style): string {
  const lines = losses.flatMap(loss => {
    if (loss.quantiles === undefined) return []
    const { min, p50, p90, p99, p999, max } = loss.quantiles
    return [[title(loss), short(min), ...[p50, p90, p99, p999].map(rough), short(max)]]
  })
  if (lines.length === 0) return ''
  return `\n${grid(['loss of a row', 'min', '50 %', '90 %', '99 %', '99.9 %', 'max'], lines, bold)}`
}

function classification(losses: readonly LossReport[], bold: Style): string {
  const lines = losses.flatMap(loss => {
    if (loss.classification === undefined) return []
    const { accuracy, ece, count } = loss.classification
    return [[title(loss), short(accuracy), short(ece), String(count)]]
  })
  if (lines.length === 0) return ''
  return `\n${grid(['as a classifier', 'accuracy', 'calibration error', 'count'], lines, bold)}`
}

function worst(loss: LossReport, bold: Style): string {
  const [first] = loss.worst ?? []
  if (first === undefined) return ''
  const more = (['pred', 'target', 'group'] as const).filter(name => first[name] !== undefined)
  const lines = (loss.worst ?? []).map(entry => [
    String(entry.row),
    String(entry.loss),
    ...more.map(name => String(entry[name] ?? '')),
  ])
  return `\n${grid([`worst rows of ${title(loss)}`, 'loss', ...more], lines, bold)}`
}

function short(value: number): string {
  return String(Number(value.toPrecision(6)))
}

/** Quantiles are known to one part in 256. */
function rough(value: number): string {
  return String(Number(value.toPrecision(3)))
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
