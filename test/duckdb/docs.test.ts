import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { sqlLosses } from '../../lib/duckdb/functions.ts'
import { registerLosses } from '../../lib/duckdb/index.ts'
import { connect, rows } from './database.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(new URL('../../docs/sql.md', import.meta.url), 'utf8')
const blocks = (language: string) =>
  [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, name]) => name === language)
    .map(match => match[2] as string)

it('docs/sql.md has statements that give what they say', async () => {
  const connection = await connect()
  await registerLosses(connection)
  const statements = [
    ...blocks('sql')
      .join('')
      .matchAll(/^([^-].*?;)\n((?:-- [^\n]*\n)*)/gms),
  ]
  expect(statements.length).toBeGreaterThan(6)
  for (const [, statement = '', comments = ''] of statements) {
    const given = await rows(connection, statement)
    if (comments === '') continue
    const said = comments.trimEnd().split('\n')
    expect(
      given.map(row => `-- ${row.join(' | ')}`),
      statement,
    ).toEqual(said)
  }
})

it('docs/sql.md has a program that prints what it says', async () => {
  const [code = ''] = blocks('js')
  const args = ['--input-type=module', '--eval', code]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root })
  expect(stdout.trimEnd()).toBe(/console\.log\(.*\) \/\/ (.*)$/m.exec(code)?.[1])
})

it('docs/sql.md lists every function with its inputs and options', () => {
  const listed = [...page.matchAll(/^\| (`.*?) \(([\w, ]+)\).*? \|(.*) \|$/gm)].flatMap(
    ([, names = '', inputs = '', options = '']) =>
      [...names.matchAll(/`(\w+)`/g)].map(([, name]) => {
        const named = [...options.matchAll(/(\w+) \(/g)].map(match => match[1])
        return [name, inputs.split(', '), named]
      }),
  )
  const own = sqlLosses.map(({ sqlName, inputs, options }) => [
    sqlName,
    inputs,
    options.map(({ name }) => name),
  ])
  const byName = (rows: unknown[][]) => rows.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))
  expect(byName(listed)).toEqual(byName(own))
})
