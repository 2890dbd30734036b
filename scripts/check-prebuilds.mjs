/**
 * Checks the binaries in prebuilds/: that those expected are there, made for their platform, stripped, small, export nothing
 * but what Node looks up, and run on systems as old as Node itself does.
 *
 * npm run check:prebuilds [-- --all | linux-x64-glibc linux-arm64-glibc …]
 * Without names, what is there is checked, and this machine's own must be.
 */

import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isHost, targets } from './prebuild/targets.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Node 20 to 26 run on RHEL 8: glibc 2.28 and the C++ library of GCC 8. */
const NEWEST = { GLIBC: '2.28', GLIBCXX: '3.4.25', CXXABI: '1.3.11', GCC: '7.0.0' }
const EXPORTS = ['napi_register_module_v1', 'node_api_module_get_api_version_v1']
const CUDA_EXPORTS = ['losskit_cuda_library']
const LIBRARIES = {
  glibc:
    /^(libstdc\+\+\.so\.6|libm\.so\.6|libgcc_s\.so\.1|libc\.so\.6|libpthread\.so\.0|ld-linux-(x86-64|aarch64)\.so\.[12])$/,
  musl: /^(libstdc\+\+\.so\.6|libgcc_s\.so\.1|libc\.musl-(x86_64|aarch64)\.so\.1)$/,
}
const MOST_BYTES = 12e6
const MOST_CUDA_BYTES = 8e6

const faults = []

/** @param {Buffer} bytes the format and the processor that a library is made for */
function madeFor(bytes) {
  if (bytes.readUInt32BE(0) === 0x7f454c46) {
    return `linux-${{ 62: 'x64', 183: 'arm64' }[bytes.readUInt16LE(18)]}`
  }
  if (bytes.readUInt32LE(0) === 0xfeedfacf) {
    return `darwin-${{ 16777223: 'x64', 16777228: 'arm64' }[bytes.readUInt32LE(4)]}`
  }
  if (bytes.toString('latin1', 0, 2) === 'MZ') {
    const header = bytes.readUInt32LE(0x3c)
    return `win32-${{ 34404: 'x64', 43620: 'arm64' }[bytes.readUInt16LE(header + 4)]}`
  }
  return 'nothing known'
}

const readelf = (file, ...options) =>
  execFileSync('readelf', ['--wide', ...options, file], { encoding: 'utf8' })

/** Whether a version like 2.28 is newer than another. */
function isNewer(version, other) {
  const [a, b] = [version, other].map(text => text.split('.').map(Number))
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    if ((a[i] ?? 0) !== (b[i] ?? 0)) return (a[i] ?? 0) > (b[i] ?? 0)
  }
  return false
}

/** @returns {string} what it needs of the system */
function checkElf(file, libc, exports, fault) {
  const symbols = readelf(file, '--dyn-syms')
    .split('\n')
    .map(line => line.trim().split(/\s+/))
    .filter(([number]) => /^\d+:$/.test(number ?? ''))
  const exported = symbols.filter(([, , , , bind, , section]) => bind !== 'LOCAL' && section !== 'UND')
  const names = exported.map(([, , , , , , , name]) => name?.replace(/@.*/, '')).sort()
  if (names.join() !== exports.join()) fault(`exports ${names.join(', ')}`)

  const sections = readelf(file, '--sections')
  if (/ \.(symtab|debug_\w+) /.test(sections)) fault('is not stripped')
  if (sections.includes('.note.gnu.build-id')) fault('has a build id')

  const dynamic = readelf(file, '--dynamic')
  const needed = [...dynamic.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name]) => name)
  for (const name of needed) if (!LIBRARIES[libc].test(name)) fault(`needs ${name}`)
  if (/\((RPATH|RUNPATH)\)/.test(dynamic)) fault('names folders in which to look for libraries')
  if (!/NODELETE/.test(dynamic)) fault('may be unloaded, though its threads run on')

  const newest = {}
  for (const [, family, version] of readelf(file, '--version-info').matchAll(/Name: ([A-Z]+)_([\d.]+)/g)) {
    if (newest[family] === undefined || isNewer(version, newest[family])) newest[family] = version
  }
  for (const [family, version] of Object.entries(newest)) {
    if (NEWEST[family] === undefined) fault(`needs ${family}_${version}`)
    else if (isNewer(version, NEWEST[family]))
      fault(`needs ${family}_${version}, newer than ${NEWEST[family]}`)
  }
  return Object.entries(newest)
    .map(([family, version]) => `${family} ${version}`)
    .join(', ')
}

const named = process.argv.slice(2)
const unknown = named.filter(name => name !== '--all' && !targets.some(({ id }) => id === name))
if (unknown.length > 0) {
  console.error(`no such target: ${unknown.join(', ')}. There are ${targets.map(({ id }) => id).join(', ')}.`)
  process.exit(2)
}

/** Checks one binary; says in words what it is. */
function checkBinary(target, file, exports, mostBytes) {
  const fault = text => faults.push(`${file}: ${text}`)
  const path = join(root, file)
  const bytes = readFileSync(path)
  const made = madeFor(bytes)
  if (made !== `${target.platform}-${target.arch}`) {
    fault(`is made for ${made}`)
    return
  }
  if (bytes.length > mostBytes) fault(`has ${bytes.length} bytes`)
  if (bytes.includes(root)) fault('contains the path that it was built in')
  const needs = target.libc === undefined ? '' : checkElf(path, target.libc, exports, fault)
  console.log(`${file}: ${(bytes.length / 1e6).toFixed(1)} MB${needs && `, needs ${needs}`}`)
}

for (const target of targets) {
  const expected = named.length === 0 ? isHost(target) : named.includes('--all') || named.includes(target.id)
  if (existsSync(join(root, target.file))) checkBinary(target, target.file, EXPORTS, MOST_BYTES)
  else if (expected) faults.push(`${target.file}: there is no such file`)
}
// Made with LOSSKIT_CUDA=ON.
const cudaFile = 'prebuilds/linux-x64/liblosskit_cuda.so'
if (existsSync(join(root, cudaFile))) {
  const target = targets.find(({ id }) => id === 'linux-x64-glibc')
  checkBinary(target, cudaFile, CUDA_EXPORTS, MOST_CUDA_BYTES)
}

const known = new Set([...targets.map(({ file }) => file), cudaFile])
const prebuilds = join(root, 'prebuilds')
for (const name of existsSync(prebuilds) ? readdirSync(prebuilds, { recursive: true }) : []) {
  const path = `prebuilds/${name.replaceAll('\\', '/')}`
  if (statSync(join(root, path)).isFile() && !known.has(path))
    faults.push(`${path}: is none of the files expected`)
}

if (faults.length > 0) {
  console.error(faults.join('\n'))
  process.exit(1)
}
