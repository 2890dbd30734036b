import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { main } from '../cli/command.ts'
import { testFolder } from './files.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs', 'evaluate.md'), 'utf8')
const folder = testFolder()
const cwd = folder.path
const blocks = [...page.matchAll(/^```(\w+) ?(\S*)\n(.*?)^```$/gms)].map(([, language, name, text = '']) => ({
  language,
  name,
  text,
}))

for (const { name = '', text } of blocks.filter(({ language }) => language === 'csv')) {
  writeFileSync(join(cwd, name), text)
}
writeFileSync(join(cwd, 'losskit'), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`, { mode: 0o755 })

/** Commands with what they print. */
const commands = blocks
  .filter(({ language }) => language === 'sh')
  .flatMap(({ text }) => text.split(/^\$ /m).slice(1))
  .map(text => {
    const [command = '', ...lines] = text.split('\n')
    return [command, lines.join('\n').trimEnd()] as const
  })

it.each(commands)('docs/evaluate.md: $ %s', async (command, expected) => {
  const env = { ...process.env, PATH: `${cwd}:${process.env.PATH}` }
  const { stdout, stderr } = await promisify(execFile)('sh', ['-c', command], { cwd, env })
  expect(`${stdout}${stderr}`.trimEnd()).toBe(expected)
})

const programs = blocks.filter(({ language }) => language === 'js').map(({ text }) => text)

it.each(programs)('docs/evaluate.md has a program that prints what it says:\n%s', async code => {
  const file = folder.write(
    'program.mjs',
    code.replaceAll("'losskit/evaluate'", `'${join(root, 'dist/evaluate/index.js')}'`),
  )
  const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd })
  const said = [...code.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map(([, output]) => output)
  expect(said.length).toBeGreaterThan(0)
  expect(stdout.trimEnd().split('\n')).toEqual(said)
})

it('docs/evaluate.md names every flag that is no option of a loss, and no other', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [main, 'evaluate', '--help'])
  const losses = stdout.slice(stdout.indexOf('\nLosses:'), stdout.indexOf('\nMore than one number:'))
  const flags = (text: string) =>
    new Set([...text.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, flag = '']) => flag))
  const ofLosses = flags(losses)
  const named = new Set(
    [...page.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`(--[\w-]+)`/g)].map(([, flag = '']) => flag),
    ),
  )
  const own = [...flags(stdout)].filter(flag => !ofLosses.has(flag) && flag !== '--help')
  expect([...named].filter(flag => !ofLosses.has(flag)).sort()).toEqual(own.sort())
})
