import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { backend } from '../../lib/index.ts'
import { losskit } from './command.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

describe('losskit info', () => {
  it('says what computes', async () => {
    const { code, stdout, stderr } = await losskit(['info'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const { isa, isas, cuda } = backend()
    expect(stdout).toContain(`losskit  ${version}\n`)
    expect(stdout).toContain(`isa      ${isa} (of ${isas.join(', ')})\n`)
    expect(stdout).toContain(`cuda     ${cuda.state}: ${cuda.message}`)
  })

  it('prints the whole report as JSON', async () => {
    const { stdout } = await losskit(['info', '--json'])
    expect(JSON.parse(stdout)).toEqual({ version, ...backend() })
  })

  it('says why nothing computes', async () => {
    const { code, stdout, stderr } = await losskit(['info'], {
      env: { LOSSKIT_BINARY: '/nowhere/losskit.node' },
    })
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toMatch(/^losskit: ERR_LOAD: [^\n]*\/nowhere\/losskit\.node[^\n]*\n$/)
  })
})

describe('losskit', () => {
  it('prints its version', async () => {
    expect(await losskit(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' })
  })

  it('prints help on stdout where it is asked for', async () => {
    const { code, stdout, stderr } = await losskit(['--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('evaluate')
    expect(stdout).toContain('Exit codes')
  })

  it('prints help on stderr where a command is missing', async () => {
    const { code, stdout, stderr } = await losskit([])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('Usage: losskit')
  })

  it('explains evaluate with examples, also without the native file', async () => {
    const env = { LOSSKIT_BINARY: '/nowhere/losskit.node' }
    const { code, stdout } = await losskit(['evaluate', '--help'], { env })
    expect(code).toBe(0)
    expect(stdout).toContain('$ losskit evaluate data.csv --pred score --target label --loss bce --loss mse')
    const whole = await losskit(['evaluate', '--help'])
    expect(whole.stdout).toContain('Losses: ')
    for (const flag of [
      '--weight',
      '--ignore-index',
      '--delta',
      '--pos-weight',
      '--label-smoothing',
      '--fail-above',
    ]) {
      expect(whole.stdout).toContain(flag)
    }
  })
})
