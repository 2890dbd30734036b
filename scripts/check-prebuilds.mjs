/**
 * Checks the binaries in prebuilds/: that those expected are there, made for their platform, stripped, small, export nothing
 * but what is looked up in them, and run on systems as old as is promised.
 *
 * npm run check:prebuilds [-- --release | linux-x64-glibc linux-arm64-glibc …]
 * Without names, what is there is checked, and this machine's own must be. A release has every file of every target.
 */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isNewer, readElf } from './prebuild/elf.mjs'
import { filesOf, isHost, targets } from './prebuild/targets.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Node 20 to 26 run on RHEL 8: glibc 2.28 and the C++ library of GCC 8. */
const ADDON = {
  bytes: 12e6,
  versions: { GLIBC: '2.28', GLIBCXX: '3.4.25', CXXABI: '1.3.11', GCC: '7.0.0' },
  exports: ['napi_register_module_v1', 'node_api_module_get_api_version_v1'],
  libraries: {
    glibc:
      /^(libstdc\+\+\.so\.6|libm\.so\.6|libgcc_s\.so\.1|libc\.so\.6|libpthread\.so\.0|ld-linux-(x86-64|aarch64)\.so\.[12])$/,
    // musl takes either name of its library for itself.
    musl: /^(libstdc\+\+\.so\.6|libgcc_s\.so\.1|libc\.so|libc\.musl-(x86_64|aarch64)\.so\.1)$/,
  },
}

/**
 * The runtime of CUDA is linked into the library and takes what RHEL 9 has: glibc 2.34, the C++ library of GCC 11. It needs no
 * other library, and so loads where there is no driver, to say so.
 */
const CUDA = {
  bytes: 8e6,
  versions: { GLIBC: '2.34', GLIBCXX: '3.4.29', CXXABI: '1.3.13', GCC: '7.0.0' },
  exports: ['losskit_cuda_library'],
  libraries: {
    glibc:
      /^(libstdc\+\+\.so\.6|lib(m|c)\.so\.6|lib(dl|pthread|rt)\.so\.\d|libgcc_s\.so\.1|ld-linux-x86-64\.so\.2)$/,
  },
}

const faults = []

/** @param {Buffer} bytes the format and the processor that a library is made for */
function madeFor(bytes) {
  if (bytes.length < 64) return 'nothing known'
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

/** @returns {string} what it needs of the system */
function checkElf(file, { libc }, rules, fault) {
  const elf = readElf(file)
  if (elf.exports.join() !== rules.exports.join()) fault(`exports ${elf.exports.join(', ') || 'nothing'}`)
  if (!elf.isStripped) fault('is not stripped')
  if (elf.hasBuildId) fault('has a build id')
  for (const name of elf.needed) if (!rules.libraries[libc].test(name)) fault(`needs ${name}`)
  if (elf.namesFolders) fault('names folders in which to look for libraries')
  if (elf.mayBeUnloaded) fault('may be unloaded, though its threads run on')
  for (const [family, version] of Object.entries(elf.versions)) {
    const newest = rules.versions[family]
    if (newest === undefined) fault(`needs ${family}_${version}`)
    else if (isNewer(version, newest)) fault(`needs ${family}_${version}, newer than ${newest}`)
  }
  return Object.entries(elf.versions)
    .map(([family, version]) => `${family} ${version}`)
    .join(', ')
}

function checkFile(target, path, rules, isExpected) {
  const fault = text => faults.push(`${path}: ${text}`)
  const file = join(root, path)
  if (!existsSync(file)) {
    if (isExpected) fault('there is no such file')
    return
  }
  const bytes = readFileSync(file)
  const made = madeFor(bytes)
  if (made !== `${target.platform}-${target.arch}`) {
    fault(`is made for ${made}`)
    return
  }
  if (bytes.length > rules.bytes) fault(`has ${bytes.length} bytes`)
  if (bytes.includes(root)) fault('contains the path that it was built in')
  const needs = target.libc === undefined ? '' : checkElf(file, target, rules, fault)
  console.log(`${path}: ${(bytes.length / 1e6).toFixed(1)} MB${needs && `, needs ${needs}`}`)
}

const named = process.argv.slice(2)
const isRelease = named.includes('--release')
const unknown = named.filter(name => name !== '--release' && !targets.some(({ id }) => id === name))
if (unknown.length > 0) {
  console.error(`no such target: ${unknown.join(', ')}. There are ${targets.map(({ id }) => id).join(', ')}.`)
  process.exit(2)
}

for (const target of targets) {
  const isNamed = named.length === 0 ? isHost(target) : named.includes(target.id)
  checkFile(target, target.file, ADDON, isRelease || isNamed)
  // Whoever builds for himself needs no CUDA.
  if (target.cuda !== undefined) checkFile(target, target.cuda, CUDA, isRelease)
}

const known = new Set(targets.flatMap(filesOf))
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
