import Table from 'cli-table3'

/** Tables on the terminal and as Markdown. @typedef {import('./tables.mjs').Sheet} Sheet */

/** @param {Sheet} sheet */
export function terminal({ title, note, head, rows }) {
  const table = new Table({
    head,
    style: { head: [], border: [], compact: true },
    colAligns: head.map((_, i) => (i === 0 ? 'left' : 'right')),
  })
  table.push(...rows)
  return `\n${title}\n${table}${note ? `\n${note}` : ''}`
}

/** @param {Sheet} sheet */
export function markdown({ title, note, head, rows }) {
  const line = cells => `| ${cells.join(' | ')} |`
  const rule = head.map((_, i) => (i === 0 ? '---' : '---:'))
  return [`## ${title}`, '', ...(note ? [note, ''] : []), line(head), line(rule), ...rows.map(line), ''].join(
    '\n',
  )
}
