/** @param {string} text */
export const heading = text => console.log(`\n${text}\n${'─'.repeat(text.length)}`)

/**
 * Rows of text below each other, numbers to the right.
 *
 * @param {readonly string[]} head
 * @param {readonly (readonly (string | number)[])[]} rows
 */
export function table(head, rows) {
  const cells = [head, ...rows].map(row => row.map(String))
  const widths = head.map((_, column) => Math.max(...cells.map(row => row[column].length)))
  const numeric = head.map((_, column) => rows.every(row => /^[-\d]/.test(String(row[column]))))
  for (const row of cells) {
    const line = row.map((cell, i) => (numeric[i] ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
    console.log(line.join('  ').trimEnd())
  }
}
