import { chmodSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { beforeAll, describe, expect, it } from 'vitest'
import { npy, testFolder } from '../evaluate/files.ts'
import { losskit } from './command.ts'

const folder = testFolder()
const cwd = folder.path
const at = (name: string) => join(cwd, name)
const isRoot = process.getuid?.() === 0

beforeAll(async () => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  const write = (query: string, name: string) =>
    connection.run(`COPY (${query}) TO '${at(name)}' (ROW_GROUP_SIZE 2048)`)
  await write(
    `SELECT range::FLOAT AS p, CASE WHEN range = 4321 THEN NULL ELSE range % 2 END AS y, 'x' || range AS s FROM range(10000)`,
    'table.parquet',
  )
  await write(
    `SELECT CASE WHEN range = 2 THEN 'nan'::FLOAT ELSE range::FLOAT END AS p, 1.0 AS y FROM range(5)`,
    'nan.parquet',
  )
  await write(
    `SELECT CASE WHEN range = 3000 THEN [1.5] ELSE [1.5, 2.5] END AS p, range % 2 AS y,
      [0.5, 0.5, range] AS z, CASE WHEN range = 3333 THEN 3 ELSE range % 3 END AS label FROM range(4000)`,
    'lists.parquet',
  )
  const whole = readFileSync(at('table.parquet'))
  folder.write('cut.parquet', whole.subarray(0, whole.length / 2))
  // The end is whole, so that the damage shows while rows are read.
  folder.write('damaged.parquet', Buffer.from(whole).fill(0xff, 200, 40_000))
  for (const name of [
    'empty.parquet',
    'empty.csv',
    'empty.npy',
    'empty.npz',
    'empty.arrow',
    'empty.safetensors',
    'empty.jsonl',
  ]) {
    folder.write(name, '')
  }
  folder.write('locked.parquet', whole)
  chmodSync(at('locked.parquet'), 0)
  folder.write('short.npy', npy(new Float32Array(9)).subarray(0, -1))
  folder.write('nine.npy', npy(new Float32Array(9)))
  folder.write('ten.npy', npy(new Float32Array(10)))
  folder.write('words.csv', 'p,y\n1,2\n3,four\n')
  mkdirSync(at('folder'))
})

const py = ['--pred', 'p', '--target', 'y'] as const
const mse = ['--loss', 'mse'] as const

describe('inputs that cannot be evaluated', () => {
  const refused: [string, readonly string[], number, RegExp][] = [
    ['a truncated Parquet file', ['cut.parquet', ...py, ...mse], 3, /ERR_DATA: cut\.parquet: cannot be read/],
    ['damaged rows', ['damaged.parquet', ...py, ...mse], 3, /ERR_DATA: damaged\.parquet/],
    [
      'a wrong column',
      ['table.parquet', '--pred', 'q', '--target', 'y', ...mse],
      3,
      /no column "q"\. It has "p", "y"/,
    ],
    [
      'a column of texts',
      ['table.parquet', '--pred', 's', '--target', 'y', ...mse],
      3,
      /column "s": is of type VARCHAR/,
    ],
    [
      'a type too wide',
      ['--sql', 'SELECT 1::HUGEINT AS p, 1 AS y', ...py, ...mse],
      3,
      /--sql, column "p": .*HUGEINT/,
    ],
    ['a missing value', ['table.parquet', ...py, ...mse], 3, /column "y": row 4321 has no value \(NULL\)/],
    [
      'lists of unlike lengths',
      ['lists.parquet', ...py, '--loss', 'crossEntropy'],
      3,
      /column "p": row 3000 has 1 number, the first list has 2/,
    ],
    [
      'a label out of range',
      ['lists.parquet', '--pred', 'z', '--target', 'label', '--loss', 'crossEntropy'],
      3,
      /lists\.parquet, column "label": row 3333: crossEntropy: target is 3/,
    ],
    ['an empty Parquet file', ['empty.parquet', ...py, ...mse], 3, /ERR_DATA: empty\.parquet: /],
    ['an empty CSV file', ['empty.csv', ...py, ...mse], 3, /ERR_DATA: empty\.csv: /],
    ['an empty .npz file', ['empty.npz', ...py, ...mse], 3, /ERR_DATA: empty\.npz: /],
    ['an empty Arrow file', ['empty.arrow', ...py, ...mse], 3, /ERR_DATA: empty\.arrow: /],
    ['an empty safetensors file', ['empty.safetensors', ...py, ...mse], 3, /ERR_DATA: empty\.safetensors: /],
    ['an empty JSON file', ['empty.jsonl', ...py, ...mse], 3, /ERR_DATA: empty\.jsonl[:,] /],
    [
      'an empty .npy file',
      ['--pred', 'empty.npy', '--target', 'nine.npy', ...mse],
      3,
      /ERR_DATA: empty\.npy: is not a \.npy file/,
    ],
    [
      'a truncated .npy file',
      ['--pred', 'short.npy', '--target', 'nine.npy', ...mse],
      3,
      /short\.npy: is cut short/,
    ],
    [
      'unlike numbers of rows',
      ['--pred', 'nine.npy', '--target', 'ten.npy', ...mse],
      3,
      /nine\.npy has 9 rows .*, ten\.npy has 10 rows/,
    ],
    ['a word in a CSV file', ['words.csv', ...py, ...mse], 3, /words\.csv.*line 3/],
    ['a folder', ['folder', ...py, ...mse], 3, /ERR_FILE: folder: cannot be read: it is a folder/],
    [
      'no such file',
      ['none.parquet', ...py, ...mse],
      3,
      /ERR_FILE: none\.parquet: cannot be read: there is no such file/,
    ],
    ['no file of a pattern', ['none-*.parquet', ...py, ...mse], 3, /ERR_FILE: none-\*\.parquet: /],
    ['a query that is none', ['--sql', 'SELEC 1', ...py, ...mse], 2, /ERR_USAGE: --sql: Parser Error/],
    ['a file and a query', ['table.parquet', '--sql', 'SELECT 1', ...py, ...mse], 2, /not both/],
    ['no such policy', ['table.parquet', ...py, ...mse, '--nulls', 'maybe'], 2, /ERR_USAGE: .*nulls.*maybe/],
  ]
  it.each(refused)('%s', async (_, args, code, message) => {
    const result = await losskit(['evaluate', ...args], { cwd })
    expect(result).toMatchObject({ code, stdout: '' })
    expect(result.stderr).toMatch(/^losskit: ERR_[A-Z]+: [^\n]+\n$/)
    expect(result.stderr).toMatch(message)
  })

  it.skipIf(isRoot)(`no permission${isRoot ? ' (skipped: root may read every file)' : ''}`, async () => {
    const result = await losskit(['evaluate', 'locked.parquet', ...py, ...mse], { cwd })
    expect(result).toMatchObject({ code: 3, stdout: '' })
    expect(result.stderr).toMatch(/^losskit: ERR_FILE: locked\.parquet: cannot be read: [^\n]+\n$/)
  })
})

it('a NaN is a number like others: it flows into the loss', async () => {
  const { code, stdout, stderr } = await losskit(['evaluate', 'nan.parquet', ...py, ...mse, '--json'], {
    cwd,
  })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/"value":\s*("NaN"|null)/)
})

it('rows without values are left out where that is asked for', async () => {
  const args = ['evaluate', 'table.parquet', ...py, ...mse, '--nulls', 'skip', '--json']
  const { code, stdout } = await losskit(args, { cwd })
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ losses: [{ count: 9999 }] })
})
