/** The checkout as a machine with 64-bit Arm has it: its files, the packages for that machine, and its binary as the one built. */

import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installApart } from '../install-apart.mjs'
import { crossCompilerOf, targets } from '../prebuild/targets.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const tools = join(root, 'test/package/tools')

/** Within the checkout, so that vitest, which itself runs natively, finds the packages of this machine as well. */
export const checkout = join(root, 'build/emulated/checkout')
export const binary = 'build/Release/losskit.node'

/** What the tests of the CUDA backend load: the library for an emulated device, and the driver of that. */
export const device = ['liblosskit_cuda_emulated.so', 'libcuda_emulated.so'].map(
  name => `build/Release/${name}`,
)
/** What they start. */
const programs = ['cuda_library', 'cuda_emulation']

const arm = targets.find(({ id }) => id === 'linux-arm64-glibc')
const emulator = fileURLToPath(new URL('emulated', import.meta.url))
const deviceBuild = join(root, 'build/arm64-device')

function buildDevice() {
  const cmake = (...args) => execFileSync('cmake', args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const toolchain = join(root, 'cmake/toolchains', crossCompilerOf(arm).toolchain)
  cmake(
    ...['-S', root, '-B', deviceBuild, '--no-warn-unused-cli', '-DCMAKE_BUILD_TYPE=Release'],
    ...[`-DCMAKE_TOOLCHAIN_FILE=${toolchain}`, '-DLOSSKIT_CUDA=OFF', '-DLOSSKIT_CUDA_EMULATED=ON'],
  )
  const wanted = ['losskit_cuda_emulated', 'cuda_emulated', ...programs]
  cmake('--build', deviceBuild, '--parallel', String(availableParallelism()), '--target', ...wanted)
}

/** The device in the checkout. A program is started by a script, for this machine cannot start it. */
function copyDevice() {
  const built = join(deviceBuild, 'native/cuda/emulated')
  for (const file of device) cpSync(join(built, basename(file)), join(checkout, file))
  for (const name of programs) {
    const script = `#!/bin/sh\nexec ${emulator} ${join(built, name)} "$@"\n`
    writeFileSync(join(checkout, 'build/Release', name), script, { mode: 0o755 })
  }
}

/** @param {(text: string) => void} say @returns {string[]} its files */
export function makeCheckout(say) {
  for (const [file, command] of [
    [arm.file, 'npm run prebuild linux-arm64-glibc'],
    ['dist', 'npm run build:lib'],
  ])
    if (!existsSync(join(root, file))) throw new Error(`there is no ${file}: ${command}`)

  const listed = execFileSync('git', ['ls-files', '-coz', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  })
  const files = listed.split('\0').filter(file => file !== '' && existsSync(join(root, file)))
  if (existsSync(checkout))
    for (const name of readdirSync(checkout))
      if (name !== 'node_modules') rmSync(join(checkout, name), { recursive: true })
  const copy = (from, to = from) =>
    cpSync(join(root, from), join(checkout, to), { recursive: true, preserveTimestamps: true })
  for (const file of files) copy(file)
  copy('dist')
  copy(arm.file, binary)
  buildDevice()
  copyDevice()

  installApart(tools, say, ['--force']) // as npm run test:package does: another Node is among them
  installApart(checkout, say, ['--os=linux', '--cpu=arm64', '--libc=glibc'])
  return files
}
