/** The checkout as a machine with 64-bit Arm has it: its files, the packages for that machine, and its binary as the one built. */

import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installApart } from '../install-apart.mjs'
import { targets } from '../prebuild/targets.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const tools = join(root, 'test/package/tools')

/** Within the checkout, so that vitest, which itself runs natively, finds the packages of this machine as well. */
export const checkout = join(root, 'build/emulated/checkout')
export const binary = 'build/Release/losskit.node'

/** @param {(text: string) => void} say @returns {string[]} its files */
export function makeCheckout(say) {
  const prebuilt = targets.find(({ id }) => id === 'linux-arm64-glibc').file
  for (const [file, command] of [
    [prebuilt, 'npm run prebuild linux-arm64-glibc'],
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
  copy(prebuilt, binary)

  installApart(tools, say, ['--force']) // as npm run test:package does: another Node is among them
  installApart(checkout, say, ['--os=linux', '--cpu=arm64', '--libc=glibc'])
  return files
}
