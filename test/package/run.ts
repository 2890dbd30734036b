/** Projects that use the package, and programs that run in them. */

import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inject } from 'vitest'

export const root = fileURLToPath(new URL('../..', import.meta.url))
export const tools = fileURLToPath(new URL('tools', import.meta.url))

/** Loads a package of the tools. */
export const requireTool = createRequire(join(tools, 'package.json'))

/** A program that comes with a package of the tools. */
export const tool = (path: string): string => join(tools, 'node_modules', path)

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

interface Options {
  readonly cwd: string
  readonly env?: NodeJS.ProcessEnv
}

/** The environment without what npm and vitest have put into it. */
export const plainEnv: NodeJS.ProcessEnv = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|VITEST|LOSSKIT_|INIT_CWD$)/.test(name)),
)

/** Runs npm, which must succeed, and returns what it prints. */
export function npm(args: readonly string[], { cwd, env = plainEnv }: Options): string {
  const { status, stdout, stderr, error } = spawnSync('npm', args, { cwd, env, encoding: 'utf8' })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`npm ${args.join(' ')} ended with ${status}\n${stdout}${stderr}`)
  return stdout
}

/** Runs a program to its end, whatever that is. */
export function run(
  command: string,
  args: readonly string[],
  { cwd, env = plainEnv }: Options,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', data => {
      stdout += data
    })
    child.stderr.on('data', data => {
      stderr += data
    })
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

/** Runs a program that must succeed in silence but for what it prints, which is returned. */
export async function output(command: string, args: readonly string[], options: Options): Promise<string> {
  const { code, signal, stdout, stderr } = await run(command, args, options)
  if (code !== 0 || stderr !== '') {
    throw new Error(`${command} ${args.join(' ')} ended with ${code ?? signal}\n${stdout}${stderr}`)
  }
  return stdout.trim()
}

/** PATH of a machine that has Node and npm, and no compiler, no Python, no shell. */
export function barePath(): string {
  const folder = mkdtempSync(join(inject('scratch'), 'bin-'))
  const npmProgram = (process.env.PATH ?? '')
    .split(delimiter)
    .map(place => join(place, 'npm'))
    .find(file => realOrNone(file) !== undefined)
  if (npmProgram === undefined) throw new Error('there is no npm')
  symlinkSync(process.execPath, join(folder, 'node'))
  symlinkSync(realpathSync(npmProgram), join(folder, 'npm'))
  return folder
}

function realOrNone(file: string): string | undefined {
  try {
    return realpathSync(file)
  } catch {
    return undefined
  }
}

/** An empty project with files of its own. */
export function emptyProject(files: Readonly<Record<string, string>> = {}): string {
  const project = mkdtempSync(join(inject('scratch'), 'project-'))
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true }))
  put(project, files)
  return project
}

export function put(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
}

/** A project in which the package is installed. */
export function projectWith(files: Readonly<Record<string, string>> = {}): string {
  const project = emptyProject(files)
  npm(['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', inject('tarball')], {
    cwd: project,
  })
  return project
}

/** A program that computes two losses, and the numbers it prints wherever it runs. */
export const computes = `
const logits = { data: Float32Array.of(2, 0, 0, 0, 3, 0), shape: [2, 3] }
const numbers = [losskit.mse([1, 2], [0, 0]), losskit.crossEntropy(logits, Uint8Array.of(0, 2))]
console.log(numbers.join(' '), losskit.backend().isa)
`
export const esm = `import * as losskit from 'losskit'\n${computes}`
export const cjs = `const losskit = require('losskit')\n${computes}`
