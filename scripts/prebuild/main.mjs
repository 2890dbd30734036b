/**
 * Builds the binaries that losskit comes with into prebuilds/: all that this machine can build, or those that are named.
 *
 * npm run prebuild [-- linux-x64-glibc linux-arm64-glibc …]
 * With LOSSKIT_CUDA=ON the CUDA library for all architectures is made too, which takes many minutes.
 */

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import prebuildify from 'prebuildify'
import { crossCompilerOf, filesOf, isHost, targets } from './targets.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const shim = fileURLToPath(new URL('cmake-js.mjs', import.meta.url))

const runs = ([command, ...args]) => spawnSync(command, args, { stdio: 'ignore' }).status === 0

const here = targets.filter(target => isHost(target) || crossCompilerOf(target))
const named = process.argv.slice(2)
for (const name of named) {
  if (here.some(({ id }) => id === name)) continue
  const own = here.map(({ id }) => id).join(' and ')
  fail(
    `${name} cannot be built here. ${own ? `Here are built: ${own}.` : 'This machine is none of the targets.'}`,
  )
}

let built = 0
for (const target of here) {
  if (named.length > 0 && !named.includes(target.id)) continue
  const compiler = isHost(target) ? undefined : crossCompilerOf(target)
  if (compiler === undefined || runs(compiler.command)) {
    await build(target, compiler)
  } else if (named.length > 0) {
    fail(`${target.id} needs ${compiler.command[0]}: ${compiler.install}`)
  } else {
    console.log(`${target.id}: left out, there is no ${compiler.command[0]}`)
  }
}
if (built === 0) fail('This machine is none of the targets.')

async function build(target, { toolchain = '', stripBin } = { stripBin: 'strip' }) {
  // prebuildify builds in the folder it is given, so that the build of the checkout stays as it is.
  const cwd = join(root, 'build', 'prebuild', target.id)
  mkdirSync(cwd, { recursive: true })
  for (const file of filesOf(target)) rmSync(join(root, file), { force: true })
  process.env.LOSSKIT_PREBUILD_TOOLCHAIN = toolchain
  process.env.LOSSKIT_PREBUILD_CUDA = target.cuda === undefined ? 'OFF' : (process.env.LOSSKIT_CUDA ?? 'AUTO')
  const windows = process.platform === 'win32'
  await promisify(prebuildify)({
    cwd,
    out: root,
    name: 'losskit',
    napi: true,
    targets: [process.versions.node],
    platform: target.platform,
    arch: target.arch,
    ...(target.libc === undefined ? {} : { libc: target.libc, tagLibc: true }),
    ...(stripBin === undefined ? {} : { strip: true, stripBin }),
    // On Windows it is given to a shell.
    nodeGyp: windows ? `"${process.execPath}" "${shim}"` : shim,
  })
  built++
  // prebuildify takes the shared libraries that the build made beside the addon: that of CUDA, where there is a compiler for it.
  for (const file of filesOf(target)) if (existsSync(join(root, file))) console.log(file)
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
