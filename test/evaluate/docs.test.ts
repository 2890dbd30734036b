import { execFile } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { main } from '../cli/command.ts'
import { testFolder } from './files.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = testFolder()
const cwd = folder.path
writeFileSync(join(cwd, 'losskit'), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`, { mode: 0o755 })

const textOf = (page: string) => readFileSync(join(root, page), 'utf8')

describe.each(['docs/evaluate.md', 'docs/inputs.md', 'docs/cluster.md'])('%s', page => {
  const text = textOf(page)
  const blocks = [...text.matchAll(/^```(\w+) ?(\S*)\n(.*?)^```$/gms)].map(
    ([, language, name = '', text = '']) => ({ language, name, text }),
  )
  const ofLanguage = (wanted: string) => blocks.filter(({ language }) => language === wanted)

  /** Commands with what they print. */
  const commands = ofLanguage('sh')
    .flatMap(({ text }) => text.split(/^\$ /m).slice(1))
    .map(text => {
      const [command = '', ...lines] = text.split('\n')
      return [command, lines.join('\n').trimEnd()] as const
    })

  beforeAll(() => {
    for (const { name, text } of ofLanguage('csv')) writeFileSync(join(cwd, name), text)
  })

  it.each(commands)('$ %s', async (command, expected) => {
    const env = { ...process.env, PATH: `${cwd}:${process.env.PATH}` }
    const { stdout, stderr } = await promisify(execFile)('sh', ['-c', command], { cwd, env }).catch(
      (failed: { stdout: string; stderr: string }) => failed,
    )
    expect(`${stdout}${stderr}`.trimEnd()).toBe(expected)
  })

  it.each(ofLanguage('js').map(({ text }) => text))(
    'has a program that prints what it says:\n%s',
    async code => {
      const file = folder.write(
        'program.mjs',
        code.replaceAll("'losskit/evaluate'", `'${join(root, 'dist/evaluate/index.js')}'`),
      )
      const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd })
      const said = [...code.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map(([, output]) => output)
      expect(said.length).toBeGreaterThan(0)
      expect(stdout.trimEnd().split('\n')).toEqual(said)
    },
  )

  it('links to files that exist', () => {
    const links = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => link)
    expect(links.length).toBeGreaterThan(0)
    expect(links.filter(link => !existsSync(join(root, 'docs', link)))).toEqual([])
  })
})

it('docs/evaluate.md names every flag that is no option of a loss, and no other', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [main, 'evaluate', '--help'])
  const losses = stdout.slice(stdout.indexOf('\nLosses:'), stdout.indexOf('\nMore than one number:'))
  const flags = (text: string) =>
    new Set([...text.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, flag = '']) => flag))
  const ofLosses = flags(losses)
  const named = new Set(
    [...textOf('docs/evaluate.md').matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`(--[\w-]+)`/g)].map(([, flag = '']) => flag),
    ),
  )
  const own = [...flags(stdout)].filter(flag => !ofLosses.has(flag) && flag !== '--help')
  expect([...named].filter(flag => !ofLosses.has(flag)).sort()).toEqual(own.sort())
})
