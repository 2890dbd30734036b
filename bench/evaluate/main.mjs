/**
 * Evaluation of files larger than what is to be held of them: rows in a second, and memory over that of a file of one row.
 * `--quick` takes a tenth of the rows and writes no results.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import Table from 'cli-table3'
import { describe } from '../machine.mjs'
import { machineLine } from '../report/save.mjs'
import { writeFiles } from './data.mjs'
import { losskit, median } from './run.mjs'

const isQuick = process.argv.includes('--quick')
const rows = isQuick ? 4_000_000 : 40_000_000
const times = isQuick ? 1 : 3
const aims = { rowsPerSecond: 15e6, megabytesOverBase: 150 }

const folder = mkdtempSync(join(tmpdir(), 'losskit-evaluate-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
console.log(`writing ${rows} rows, and ${rows / 4} of ten logits …`)
const files = await writeFiles(folder, rows)

const scores = ['--pred', 'score', '--target', 'label', '--json']
const logits = ['--pred', 'logits', '--target', 'label', '--loss', 'crossEntropy', '--json']
const mse = [...scores, '--loss', 'mse']
const cases = [
  { name: 'Parquet, mse', rows, base: 'table', isAim: true, args: ['evaluate', files.scores, ...mse] },
  {
    name: 'Parquet, huber',
    rows,
    base: 'table',
    isAim: true,
    args: ['evaluate', files.scores, ...scores, '--loss', 'huber'],
  },
  {
    name: 'Parquet, bce',
    rows,
    base: 'table',
    isAim: true,
    args: ['evaluate', files.scores, ...scores, '--loss', 'bce'],
  },
  {
    name: 'Parquet, mse, huber and bce',
    rows,
    base: 'table',
    args: ['evaluate', files.scores, ...mse, '--loss', 'huber', '--loss', 'bce'],
  },
  {
    name: 'Parquet, crossEntropy of 10 classes',
    rows: rows / 4,
    base: 'table',
    args: ['evaluate', files.logits, ...logits],
  },
  {
    name: '.npy, crossEntropy of 10 classes',
    rows: rows / 4,
    base: 'arrays',
    args: [
      'evaluate',
      '--pred',
      files.logitsNpy,
      '--target',
      files.labelsNpy,
      '--loss',
      'crossEntropy',
      '--json',
    ],
  },
]
const bases = {
  table: median(3, ['evaluate', files.one, ...mse]).megabytes,
  arrays: median(3, ['info', '--json']).megabytes,
}
const results = cases.map(({ name, rows, base, isAim = false, args }) => {
  const { seconds, megabytes, report } = median(times, args)
  if (report?.rows !== rows) throw new Error(`${name}: ${report?.rows} rows instead of ${rows}`)
  return {
    name,
    rows,
    seconds,
    rowsPerSecond: rows / seconds,
    megabytes,
    overBase: megabytes - bases[base],
    isAim,
    report,
  }
})
await checkAgainstDuckDB(results[0].report)
checkShards(results[0].report)

const yes = met => (met ? 'yes' : 'no')
const head = ['case', 'rows', 's', 'million rows/s', 'peak MB', 'MB over base', 'speed met', 'memory met']
const lines = results.map(r => [
  r.name,
  String(r.rows),
  r.seconds.toFixed(2),
  (r.rowsPerSecond / 1e6).toFixed(1),
  r.megabytes.toFixed(0),
  r.overBase.toFixed(0),
  r.isAim ? yes(r.rowsPerSecond >= aims.rowsPerSecond) : '',
  yes(r.overBase <= aims.megabytesOverBase),
])
const table = new Table({ head, style: { head: [], border: [] } })
table.push(...lines)
const said = `Aims: ${aims.rowsPerSecond / 1e6} million rows/s for one loss over elements, ${aims.megabytesOverBase} MB over the base, which is ${bases.table.toFixed(0)} MB for a Parquet file of one row and ${bases.arrays.toFixed(0)} MB for \`losskit info\`.`
console.log(`${table.toString()}\n${said}`)
if (!isQuick) save()

/** The mean of squares by another engine, which rounds at each step. */
async function checkAgainstDuckDB(report) {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const sql = `SELECT avg((score - label)::DOUBLE * (score - label)::DOUBLE) FROM '${files.scores}'`
  const expected = (await connection.runAndReadAll(sql)).getRows()[0][0]
  const value = report.losses[0].value
  // losskit rounds each square to a float32.
  if (!(Math.abs(value - expected) <= 1e-7 * expected))
    throw new Error(`mse is ${value}, DuckDB says ${expected}`)
}

/** Three shards, merged, have the bits of one process. */
function checkShards(report) {
  const parts = [1, 2, 3].map(i => join(folder, `${i}.part`))
  for (const [i, part] of parts.entries()) {
    losskit([
      'evaluate',
      files.scores,
      ...mse.filter(arg => arg !== '--json'),
      '--shard',
      `${i + 1}/3`,
      '--partial',
      part,
    ])
  }
  const merged = losskit(['merge', ...parts, '--json']).report
  if (JSON.stringify(merged?.losses) !== JSON.stringify(report.losses))
    throw new Error('shards differ from one process')
}

function save() {
  const machine = describe(undefined)
  const cpu = machine.cpu
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
  const date = new Date().toISOString().slice(0, 10)
  const results_ = fileURLToPath(new URL('../results/', import.meta.url))
  mkdirSync(results_, { recursive: true })
  const stem = join(results_, `${date}-${cpu}-evaluate`)
  const row = cells => `| ${cells.join(' | ')} |`
  const text = [
    `# Evaluation, ${date}`,
    '',
    `${machineLine(machine)}; load ${machine.loadBefore.toFixed(2)} before; medians of ${times} runs, the most memory of any.`,
    '',
    row(head),
    row(head.map(() => '---')),
    ...lines.map(row),
    '',
    said,
    '',
    "The mean of squares agrees with DuckDB's own, and three shards that are merged have the bits of one process.",
    '',
  ].join('\n')
  writeFileSync(`${stem}.md`, text)
  writeFileSync(
    `${stem}.json`,
    `${JSON.stringify({ date, machine, times, bases, aims, results }, undefined, 1)}\n`,
  )
  console.log(`written: ${stem}.md`)
}
