/** `npm run check:prebuilds` takes the library of CUDA, which is not checked as the addon is. */

import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'

const scripts = fileURLToPath(new URL('../../scripts', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'losskit-prebuilds-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const cuda = 'prebuilds/linux-x64/liblosskit_cuda.so'

/** A checkout of the scripts alone. */
function checkout(): string {
  const root = mkdtempSync(join(scratch, 'checkout-'))
  cpSync(scripts, join(root, 'scripts'), { recursive: true })
  return root
}

function put(root: string, path: string, bytes: string | Uint8Array): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), bytes)
}

function check(root: string, ...args: string[]) {
  const command = [join(root, 'scripts', 'check-prebuilds.mjs'), ...args]
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' })
  return { status, stdout, faults: stderr.trim().split('\n').filter(Boolean) }
}

/** Compiles C code into the library of CUDA. */
function compile(root: string, code: string, ...options: string[]): void {
  put(root, 'library.c', code)
  mkdirSync(dirname(join(root, cuda)), { recursive: true })
  const args = ['-shared', '-fPIC', '-Wl,--build-id=none', '-o', cuda, 'library.c', ...options]
  const { status, stderr } = spawnSync('gcc', args, { cwd: root, encoding: 'utf8' })
  expect(status, stderr).toBe(0)
}

const compiles = process.platform === 'linux' && process.arch === 'x64'
const STAYS = '-Wl,-z,nodelete'
describe.runIf(compiles)('the library of CUDA, compiled here,', () => {
  const code = 'int losskit_cuda_library(void) { return 1; }\n'
  /** What is wrong with it, beside that the other files are missing. */
  const faultsOf = (source: string, ...options: string[]) => {
    const root = checkout()
    compile(root, source, ...options)
    const { faults, stdout } = check(root)
    const prefix = `${cuda}: `
    return {
      faults: faults.filter(line => line.startsWith(prefix)).map(line => line.slice(prefix.length)),
      stdout,
    }
  }

  it('is in order where it exports the function that gives its table, and nothing else', () => {
    const { faults, stdout } = faultsOf(code, '-s', STAYS)
    expect(faults).toEqual([])
    expect(stdout).toMatch(/^prebuilds\/linux-x64\/liblosskit_cuda\.so: 0\.0 MB/)
  })

  it.each([
    ['has symbols', code, [STAYS], 'is not stripped'],
    [
      'exports something else',
      `${code}int helper(void) { return 2; }`,
      ['-s', STAYS],
      'exports helper, losskit_cuda_library',
    ],
    ['may be unloaded', code, ['-s'], 'may be unloaded, though its threads run on'],
    ['exports nothing', 'static int none;', ['-s', STAYS], 'exports nothing'],
    [
      'needs a library that not every system has',
      code,
      ['-s', STAYS, '-Wl,--no-as-needed', '-lcrypt'],
      'needs libcrypt.so.1',
    ],
    [
      'names folders',
      code,
      ['-s', STAYS, '-Wl,-rpath,/usr/local/cuda/lib64'],
      'names folders in which to look for libraries',
    ],
    [
      'needs a newer glibc',
      'unsigned arc4random(void);\nunsigned losskit_cuda_library(void) { return arc4random(); }',
      ['-s', STAYS],
      'needs GLIBC_2.36, newer than 2.34',
    ],
  ])('is refused where it %s', (_, source, options, fault) => {
    expect(faultsOf(source, ...options).faults).toEqual([fault])
  })

  it('may need glibc 2.34, which the addon must not', () => {
    const root = checkout()
    compile(
      root,
      '#include <pthread.h>\nint losskit_cuda_library(pthread_t t) { return pthread_join(t, 0); }',
      '-s',
      STAYS,
    )
    const addon = 'prebuilds/linux-x64/losskit.glibc.node'
    cpSync(join(root, cuda), join(root, addon))
    expect(check(root).faults).toEqual([
      `${addon}: exports losskit_cuda_library`,
      `${addon}: needs GLIBC_2.34, newer than 2.28`,
    ])
  })
})
