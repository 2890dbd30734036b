#!/usr/bin/env node
/**
 * What prebuildify takes for node-gyp: it is called as that is, and builds with cmake-js.
 *
 * prebuildify looks for the result in build/Release of the folder it runs in, and takes the shared libraries beside it too.
 */

import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const arch = process.argv.find(argument => argument.startsWith('--arch='))?.slice('--arch='.length)
const cmakeJs = createRequire(import.meta.url).resolve('cmake-js/bin/cmake-js')

const toolchain = process.env.LOSSKIT_PREBUILD_TOOLCHAIN
const options = [
  `--directory=${root}`,
  `--out=${join(process.cwd(), 'build')}`,
  `--arch=${arch}`,
  '--CDLOSSKIT_CUDA_EMULATED=OFF', // beside the addon it would be shipped
  `--CDLOSSKIT_CUDA=${process.env.LOSSKIT_PREBUILD_CUDA}`,
  ...(toolchain ? [`--CDCMAKE_TOOLCHAIN_FILE=${join(root, 'cmake', 'toolchains', toolchain)}`] : []),
  // As old as the macOS that Node 20 for Apple's processors runs on.
  ...(process.platform === 'darwin' ? ['--CDCMAKE_OSX_DEPLOYMENT_TARGET=11.0'] : []),
  ...(process.platform === 'win32' ? ['--generator=Ninja', '--CDCMAKE_CXX_COMPILER=clang-cl'] : []),
]
// It rebuilds what has changed: each target has a folder of its own, and a release begins with none.
const { status } = spawnSync(process.execPath, [cmakeJs, 'build', ...options], { stdio: 'inherit' })
process.exit(status ?? 1)
