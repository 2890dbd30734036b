/** What a shared library of Linux says about itself, as readelf (binutils) shows it. */

import { execFileSync } from 'node:child_process'

/** @param {string} file */
export function readElf(file) {
  const readelf = option => execFileSync('readelf', ['--wide', option, file], { encoding: 'utf8' })
  const sections = readelf('--sections')
  const dynamic = readelf('--dynamic')
  return {
    exports: exportsIn(readelf('--dyn-syms')),
    isStripped: !/ \.(symtab|debug_\w+) /.test(sections),
    hasBuildId: sections.includes('.note.gnu.build-id'),
    needed: [...dynamic.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name]) => name),
    namesFolders: /\((RPATH|RUNPATH)\)/.test(dynamic),
    mayBeUnloaded: !/NODELETE/.test(dynamic),
    versions: newestVersions(readelf('--version-info')),
  }
}

function exportsIn(symbols) {
  return symbols
    .split('\n')
    .map(line => line.trim().split(/\s+/))
    .filter(
      ([number, , , , bind, , section]) => /^\d+:$/.test(number) && bind !== 'LOCAL' && section !== 'UND',
    )
    .map(([, , , , , , , name]) => name?.replace(/@.*/, ''))
    .filter(name => name !== undefined)
    .sort()
}

/** The newest version of each family of symbols that it needs, such as { GLIBC: '2.17' }. */
function newestVersions(text) {
  const newest = {}
  for (const [, family, version] of text.matchAll(/Name: ([A-Z]+)_([\d.]+)/g)) {
    if (newest[family] === undefined || isNewer(version, newest[family])) newest[family] = version
  }
  return newest
}

/** Whether a version like 2.28 is newer than another. */
export function isNewer(version, other) {
  const [a, b] = [version, other].map(text => text.split('.').map(Number))
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    if ((a[i] ?? 0) !== (b[i] ?? 0)) return (a[i] ?? 0) > (b[i] ?? 0)
  }
  return false
}
