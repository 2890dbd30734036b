import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The built command, as it is installed. */
export const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

export interface Outcome {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

export interface Setting {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  /** Arguments of Node itself. */
  readonly node?: readonly string[]
}

export function start(args: readonly string[], { cwd, env, node = [] }: Setting = {}): ChildProcess {
  return spawn(process.execPath, [...node, main, ...args], { cwd, env: { ...process.env, ...env } })
}

export function outcome(child: ChildProcess): Promise<Outcome> {
  let [stdout, stderr] = ['', '']
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

export function losskit(args: readonly string[], setting: Setting = {}): Promise<Outcome> {
  const child = start(args, setting)
  child.stdin?.end(setting.input ?? '')
  return outcome(child)
}
