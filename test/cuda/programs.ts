import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const built = (name: string) => fileURLToPath(new URL(`../../build/Release/${name}`, import.meta.url))

/** The libraries: by nvcc, which is not everywhere, and for an emulated device. */
export const real = built('liblosskit_cuda.so')
export const emulated = built('liblosskit_cuda_emulated.so')

export const isLinux = process.platform === 'linux'
export const hasReal = existsSync(real)
export const hasDriver = existsSync('/proc/driver/nvidia')

interface Printed {
  lines: string[]
  errors: string
}

function run(program: string, args: string[], env: Record<string, string>): Printed {
  const { stdout, stderr, error } = spawnSync(built(program), args, {
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: 60_000,
  })
  if (error !== undefined) throw error
  return { lines: stdout.trimEnd().split('\n'), errors: stderr }
}

/** What native/test/cuda_library.cc prints of a library. */
export const library = (path: string, what: string, env: Record<string, string> = {}) =>
  run('cuda_library', [path, what], env)

/** What native/test/cuda_emulation.cc prints of the language. */
export const emulation = (env: Record<string, string> = {}) => run('cuda_emulation', [], env)
export const emulationOf = (mistake: string) => run('cuda_emulation', [mistake], {})
