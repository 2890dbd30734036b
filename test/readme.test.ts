import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { exportedLosses } from './support/losses.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

const blocks = (language: string): string[] =>
  [...readme.matchAll(/^```(\w*)\n(.*?)^```$/gms)]
    .filter(([, name]) => name === language)
    .map(([, , code = '']) => code)

/** What the comments after console.log say that is printed. */
const expected = (code: string): string[] =>
  [...code.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map(([, output = '']) => output)

describe('the README', () => {
  it.each(blocks('js'))('has code that runs and prints what it says:\n%s', async code => {
    const args = ['--input-type=module', '--eval', code]
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: root })
    expect(stderr).toBe('')
    expect(stdout.trimEnd().split('\n')).toEqual(expected(code))
    expect(expected(code).length).toBeGreaterThan(0)
  })

  it('has a table that names every loss once', () => {
    const table = /\| of \| losses \|\n([\s\S]*?)\n\n/.exec(readme)?.[1] ?? ''
    const named = [...table.matchAll(/`(\w+)`/g)].map(match => match[1] as string)
    const owners = new Set(exportedLosses().map(({ lossName }) => lossName.split('.')[0] as string))
    const losses = named.filter(name => name !== 'discriminator' && name !== 'generator')
    expect(losses.sort()).toEqual([...owners].sort())
  })

  it('links to files that exist', () => {
    const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, link = '']) => link)
    expect(links.length).toBeGreaterThan(3)
    expect(links.filter(link => !existsSync(new URL(`../${link}`, import.meta.url)))).toEqual([])
  })

  it('has a line for every folder, and no other', () => {
    const folders = [...readme.matchAll(/^\| `(\w+)\/` \|/gm)].map(([, folder = '']) => folder)
    expect(folders.filter(folder => !existsSync(new URL(`../${folder}/`, import.meta.url)))).toEqual([])
    expect(folders).toHaveLength(8)
  })

  it('names npm scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
      scripts: Record<string, string>
    }
    const names = [...readme.matchAll(/npm (?:run ([\w:-]+)|(start|test))/g)].map(
      ([, run, short]) => run ?? short ?? '',
    )
    expect(names).toContain('start')
    expect(names.filter(name => scripts[name] === undefined)).toEqual([])
  })
})
