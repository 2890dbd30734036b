/** Runs a program of this folder in a process of its own. */

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { file } from '../../lib/backend/binding.ts'

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly output: string
}

export function runProgram(program: string, ...args: string[]): Promise<Ended> {
  const path = fileURLToPath(new URL(program, import.meta.url))
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--expose-gc', path, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    child.stdout.on('data', data => {
      output += data
    })
    child.stderr.on('data', data => {
      output += data
    })
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, output }))
  })
}

/** Path of the addon, for programs that load it themselves. */
export const addonFile: string = file
