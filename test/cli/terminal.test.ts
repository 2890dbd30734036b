import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { progressBar } from '../../lib/cli/progress.ts'
import { table, wantsColor } from '../../lib/cli/table.ts'
import type { Report } from '../../lib/evaluate/report.ts'

/** A stream that says whether it is a terminal, and remembers what was written. */
function stream(isTTY: boolean) {
  const through = new PassThrough() as unknown as NodeJS.WriteStream & { text(): string }
  Object.assign(through, {
    isTTY,
    columns: 100,
    cursorTo: (x: number) => through.write(`\x1b[${x + 1}G`),
    clearLine: () => through.write('\x1b[2K'),
    clearScreenDown: () => through.write('\x1b[0J'),
    moveCursor: () => true,
  })
  let text = ''
  through.on('data', (bytes: Buffer) => {
    text += bytes.toString()
  })
  through.text = () => text
  return through
}

const settled = () => new Promise(resolve => setTimeout(resolve, 20))

describe('the progress bar', () => {
  it('shows share and rows on a terminal, and leaves the line and the cursor as they were', async () => {
    const terminal = stream(true)
    const bar = progressBar(terminal)
    bar.update({ rows: 500, done: 50, total: 200 })
    bar.stop()
    await settled()
    const text = terminal.text()
    expect(text).toContain('25%')
    expect(text).toContain('500 rows')
    expect(text.indexOf('\x1b[?25l')).toBeGreaterThanOrEqual(0)
    expect(text.lastIndexOf('\x1b[?25h')).toBeGreaterThan(text.lastIndexOf('\x1b[?25l'))
    expect(text.lastIndexOf('\x1b[2K')).toBeGreaterThan(text.lastIndexOf('500 rows'))
  })

  it('counts rows where the total is unknown', async () => {
    const terminal = stream(true)
    const bar = progressBar(terminal)
    bar.update({ rows: 500, done: 50, total: undefined })
    bar.stop()
    await settled()
    expect(terminal.text()).toContain('500 rows')
    expect(terminal.text()).not.toContain('%')
  })

  it('writes nothing elsewhere', async () => {
    const pipe = stream(false)
    const bar = progressBar(pipe)
    bar.update({ rows: 500, done: 50, total: 200 })
    bar.stop()
    await settled()
    expect(pipe.text()).toBe('')
  })
})

describe('colour', () => {
  it.each([
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '' }, true],
    [true, { TERM: 'dumb' }, false],
  ])('on a terminal (%s) with %j: %s', (isTTY, env, expected) => {
    expect(wantsColor({ isTTY }, env)).toBe(expected)
  })

  it('is in the table only where it is wanted', () => {
    const report: Report = {
      losses: [{ loss: 'crossEntropy', options: { weight: [1, 2, 3, 4, 5, 6] }, value: 0.5, count: 1 }],
      rows: 1,
      fingerprint: '',
    }
    expect(table(report, true)).toContain('\x1b[1m0.5\x1b[22m')
    expect(table(report, false)).not.toContain('\x1b')
    expect(table(report, false)).toContain('crossEntropy (weight [1, 2, 3, … 6])')
    expect(table(report, false)).toMatch(/\n1 row\n$/)
  })
})
