#!/usr/bin/env node
/**
 * Compiles the kernels for GPUs with nvcc, and refuses any that spills registers into memory or takes so many that few threads find room.
 *
 * npm run check:cuda [-- sm_75 sm_90 …]
 * Needs nvcc 13. Without names it compiles for sm_90; all architectures are compiled by LOSSKIT_CUDA=ON npm run prebuild.
 */

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** With 256 threads in a block, two blocks find room in the registers of a processor. */
const MOST_REGISTERS = 128

const cmake = readFileSync(join(root, 'cmake/cuda.cmake'), 'utf8')
const kernels = cmake.match(/set\(LOSSKIT_CUDA_KERNELS (.*)\)/)[1].split(' ')
const architectures = process.argv.length > 2 ? process.argv.slice(2) : ['sm_90']

let failed = false
for (const architecture of architectures) {
  for (const name of kernels) {
    const options = ['-std=c++20', '-O3', '-fmad=false', '--expt-relaxed-constexpr', `-arch=${architecture}`]
    const where = [
      '-DLOSSKIT_CUDA',
      '-DLOSSKIT_ISA=cuda',
      '-I',
      join(root, 'native'),
      '-Xptxas',
      '-v',
      '-cubin',
    ]
    const files = [join(root, 'native/cuda', `${name}.cu`), '-o', join(tmpdir(), `losskit-${name}.cubin`)]
    const { status, stderr, error } = spawnSync('nvcc', [...options, ...where, ...files], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    })
    if (error !== undefined) throw new Error('There is no nvcc on the path.', { cause: error })
    if (status !== 0) throw new Error(stderr)
    const numbers = pattern => [...stderr.matchAll(pattern)].map(match => Number(match[1]))
    const registers = numbers(/Used (\d+) registers/g)
    const spilled = numbers(/(\d+) bytes spill stores/g)
    const most = Math.max(...registers)
    const mostSpilled = Math.max(...spilled)
    console.log(
      `${architecture} ${name}: ${registers.length} kernels, at most ${most} registers and ${mostSpilled} bytes spilled`,
    )
    failed ||= most > MOST_REGISTERS || mostSpilled > 0
  }
}
process.exit(failed ? 1 : 0)
