import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import * as api from '../../lib/index.ts'
import { npy, testFolder } from '../evaluate/files.ts'
import { losskit, main, outcome, start } from './command.ts'

const folder = testFolder()
const cwd = folder.path
const rows = 50_000
const p = Float32Array.from({ length: rows }, (_, i) => (Math.sin(i * 12.9898) + 1) / 2)
const t = Float32Array.from({ length: rows }, (_, i) => (i * 7) % 2)
folder.write('p.npy', npy(p))
folder.write('t.npy', npy(t))

const bce = ['evaluate', '--pred', 'p.npy', '--target', 't.npy', '--loss', 'bce'] as const
const values = [...api.bce(p, t, { reduction: 'none' })]

describe('losskit evaluate', () => {
  it('prints quantiles, the worst rows and a classifier as tables', async () => {
    const { code, stdout, stderr } = await losskit(
      [...bce, '--quantiles', '--worst', '3', '--classification'],
      { cwd },
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const worst = Math.max(...values)
    expect(stdout).toMatch(/loss of a row │ +min │ +50 % │ +90 % │ +99 % │ +99.9 % │ +max/)
    expect(stdout).toMatch(/as a classifier │ accuracy │ calibration error │ count/)
    expect(stdout).toMatch(/worst rows of bce │ +loss │ +pred │ target/)
    expect(stdout).toMatch(new RegExp(`│ ${values.indexOf(worst)} +│ +${worst} │`))
  })

  it('adds to the JSON only what is asked for, and changes nothing else', async () => {
    const [plain, more] = await Promise.all(
      [[], ['--quantiles', '--worst', '2']].map(async flags => {
        return JSON.parse((await losskit([...bce, ...flags, '--json'], { cwd })).stdout) as {
          losses: Record<string, unknown>[]
          fingerprint: string
        }
      }),
    )
    expect(Object.keys(plain?.losses[0] ?? {})).toEqual(['loss', 'options', 'value', 'count'])
    expect(more?.losses[0]).toMatchObject(plain?.losses[0] ?? {})
    expect(more?.fingerprint).toBe(plain?.fingerprint)
    expect(more?.losses[0]?.quantiles).toMatchObject({ max: Math.max(...values), nan: 0 })
    expect(more?.losses[0]?.worst).toHaveLength(2)
  })

  it('writes the losses of rows and a page', async () => {
    const { code, stderr } = await losskit([...bce, '--rows', 'rows.csv', '--report', 'page.html'], { cwd })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = readFileSync(join(cwd, 'rows.csv'), 'utf8').trimEnd().split('\n')
    expect(lines).toHaveLength(rows + 1)
    expect(lines[777]).toBe(`776,${values[776]}`)
    const page = readFileSync(join(cwd, 'page.html'), 'utf8')
    expect(page).toContain('<title>Losses of p.npy, t.npy</title>')
    expect(page).toContain(String(api.bce(p, t)))
    expect(page).toMatch(/<code>[0-9a-f]{64}<\/code>/)
  })

  it('writes the same page from parts', async () => {
    const asked = ['--quantiles', '--worst', '10', '--classification']
    for (const i of [1, 2, 3]) {
      await losskit([...bce, ...asked, '--shard', `${i}/3`, '--partial', `${i}.part`], { cwd })
    }
    const { code } = await losskit(['merge', '1.part', '2.part', '3.part', '--report', 'merged.html'], {
      cwd,
    })
    expect(code).toBe(0)
    await losskit([...bce, '--report', 'whole.html'], { cwd })
    const [merged, whole] = ['merged.html', 'whole.html'].map(name =>
      readFileSync(join(cwd, name), 'utf8').replaceAll(/\d{4}-\d\d-\d\d(T[\d:.]+Z)?/g, ''),
    )
    const body = (page = '') => page.slice(0, page.indexOf('<h2>The run</h2>'))
    expect(body(merged)).toBe(body(whole))
  })

  it.each([
    [['--worst', '-1'], 'It must be from 0 to 10000.'],
    [['--rows', 'rows.txt'], 'rows.txt: losses of rows are written as .csv, .npy, .parquet.'],
    [['--rows', 'r.npy', '--shard', '1/2', '--partial', 'x.part'], '--rows is for all rows'],
    [['--report', 'r.html', '--shard', '1/2', '--partial', 'x.part'], '--report is for all rows'],
    [['--fail-above', 'bce@north=1'], '--fail-above bce@north=… needs --by COLUMN'],
  ] as const)('refuses %j', async (flags, message) => {
    const { code, stdout, stderr } = await losskit([...bce, ...flags], { cwd })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^losskit: ERR_USAGE: [^\n]*\n$/)
    expect(stderr).toContain(message)
  })

  it('knows before it computes that a page or rows cannot be written', async () => {
    for (const flags of [
      ['--report', 'nowhere/page.html'],
      ['--rows', 'nowhere/rows.csv'],
    ]) {
      const { code, stderr } = await losskit([...bce, ...flags], { cwd })
      expect(code).toBe(3)
      expect(stderr).toBe(`losskit: ERR_FILE: ${flags[1]}: cannot be written: there is no such file.\n`)
    }
  })

  it.each(['rows.csv', 'rows.npy', 'rows.parquet', 'page.html'])(
    'leaves no %s where the disk is full',
    async name => {
      const before = readdirSync(cwd).filter(file => file !== name)
      const flag = name.startsWith('rows') ? '--rows' : '--report'
      const out = `full-${name}`
      // A file may not grow beyond 16 KiB here, which fails like a full disk and needs no disk of its own.
      const args = [process.execPath, main, ...bce, flag, out].map(word => `'${word}'`).join(' ')
      const failed = promisify(execFile)('bash', ['-c', `trap '' XFSZ; ulimit -f 16; ${args}`], { cwd })
      const { code, stdout, stderr } = await failed
        .catch((error: { code: number; stdout: string; stderr: string }) => error)
        .then(result => ({ code: 0, ...result }))
      expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
      expect(stderr).toMatch(new RegExp(`^losskit: ERR_FILE: ${out}: cannot be written: [^\\n]*\\n$`))
      expect(readdirSync(cwd).filter(file => file !== name)).toEqual(before)
    },
  )

  it('leaves no file where it is interrupted', async () => {
    const before = readdirSync(cwd)
    const args = [
      'evaluate',
      '-',
      '--pred',
      'p',
      '--target',
      't',
      '--loss',
      'mse',
      '--rows',
      'int.csv',
      '--report',
      'int.html',
    ]
    const child = start(args, { cwd })
    // What it has not read when it stops cannot be written.
    child.stdin?.on('error', () => {})
    child.stdin?.write(`p,t\n${'1,0\n'.repeat(300_000)}`)
    const done = outcome(child)
    await new Promise<void>(resolve => {
      const look = setInterval(() => {
        if (readdirSync(cwd).filter(name => name.startsWith('int.')).length < 2) return
        clearInterval(look)
        resolve()
      }, 20)
    })
    child.kill('SIGINT')
    const { code, stdout } = await done
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
    expect(readdirSync(cwd)).toEqual(before)
    expect(existsSync(join(cwd, 'int.csv'))).toBe(false)
  })
})
