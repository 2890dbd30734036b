/** Runs a piece of a test in a process of its own, whose emulated machine is as its environment says. */

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll } from 'vitest'
import { file } from '../../lib/backend/binding.ts'
import type * as losskit from '../../lib/index.ts'
import { EMULATED } from './devices.ts'

export type Losskit = typeof losskit

let folder = ''
const library = () => pathToFileURL(join(folder, 'losskit.mjs')).href

/** To be called where the tests of a file are declared. */
export function bundleLosskit(): void {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'losskit-cuda-'))
    await build({
      entryPoints: [new URL('../../lib/index.ts', import.meta.url).pathname],
      outfile: join(folder, 'losskit.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'error',
    })
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
}

/** What `program` returns, as JSON has it. It sees nothing but its arguments: losskit, and where that can be imported from. */
export async function inProcess<Result>(
  env: Readonly<Record<string, string>>,
  program: (losskit: Losskit, library: string) => Result | Promise<Result>,
): Promise<Result> {
  const source = `
    const library = ${JSON.stringify(library())}
    const losskit = await import(library)
    const result = await (${program.toString()})(losskit, library)
    process.stdout.write('\\n' + JSON.stringify(result))`
  const child = spawn(process.execPath, ['--expose-gc', '--input-type=module', '-e', source], {
    env: { ...process.env, LOSSKIT_BINARY: file, LOSSKIT_CUDA_LIBRARY: EMULATED, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [output, errors] = ['', '']
  child.stdout.on('data', data => {
    output += data
  })
  child.stderr.on('data', data => {
    errors += data
  })
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (...end) => resolve(end))
  })
  if (code !== 0) throw new Error(`the process ended with ${signal ?? code}: ${errors}`)
  return JSON.parse(output.slice(output.lastIndexOf('\n') + 1)) as Result
}
