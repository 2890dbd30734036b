/** `npm run check:prebuilds` takes a binary that is in order, and refuses each that is not, saying why. */

import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { filesOf, isHost, type Target, targets } from '../../scripts/prebuild/targets.mjs'
import { ENTRIES, LINK, makeLibrary, type Parts } from './library.ts'

const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'losskit-prebuilds-')))
afterAll(() => rmSync(scratch, { recursive: true }))

const scripts = fileURLToPath(new URL('../../scripts', import.meta.url))

/** A package of its own with these prebuilt files, in which the script looks. */
function makePackage(files: Readonly<Record<string, Uint8Array | string>>): string {
  const root = mkdtempSync(join(scratch, 'package-'))
  for (const name of ['check-prebuilds.mjs', 'prebuild']) {
    cpSync(join(scripts, name), join(root, 'scripts', name), { recursive: true })
  }
  for (const [file, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), bytes)
  }
  return root
}

function check(
  root: string,
  ...names: string[]
): { status: number | null; faults: string[]; report: string } {
  const script = join(root, 'scripts', 'check-prebuilds.mjs')
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...names], { encoding: 'utf8' })
  return { status, faults: stderr.split('\n').filter(line => line !== ''), report: stdout }
}

const checkFiles = (files: Readonly<Record<string, Uint8Array | string>>, ...names: string[]) =>
  check(makePackage(files), ...names)

const named = (id: string) => targets.find(target => target.id === id) as Target
const host = targets.find(isHost)

describe.skipIf(host?.libc !== 'glibc')('check:prebuilds, on Linux with glibc', () => {
  const own = host as Target
  const sound = makeLibrary(scratch)
  const checkLibrary = (parts: Parts) => checkFiles({ [own.file]: makeLibrary(scratch, parts) })

  it('takes a library that is in order', () => {
    const needs = [
      { library: 'libc.so.6', version: 'GLIBC_2.28' },
      { library: 'libstdc++.so.6', version: 'GLIBCXX_3.4.25' },
    ]
    const { status, faults, report } = checkLibrary({ needs })
    expect(faults).toEqual([])
    expect(status).toBe(0)
    expect(report).toBe(`${own.file}: 0.0 MB, needs GLIBC 2.28, GLIBCXX 3.4.25\n`)
  })

  const broken: [why: string, parts: Parts, fault: string][] = [
    [
      'needs a newer glibc',
      { needs: [{ library: 'libc.so.6', version: 'GLIBC_2.29' }] },
      'needs GLIBC_2.29, newer than 2.28',
    ],
    [
      'needs a glibc that is newer only as a number',
      { needs: [{ library: 'libc.so.6', version: 'GLIBC_2.100' }] },
      'needs GLIBC_2.100, newer than 2.28',
    ],
    [
      'needs a newer C++ library',
      { needs: [{ library: 'libstdc++.so.6', version: 'GLIBCXX_3.4.26' }] },
      'needs GLIBCXX_3.4.26, newer than 3.4.25',
    ],
    [
      'needs versions of a kind that nobody has looked at',
      { needs: [{ library: 'libm.so.6', version: 'OTHER_1.0' }] },
      'needs OTHER_1.0',
    ],
    [
      'needs another library',
      { needs: [{ library: 'libgomp.so.1', version: 'GLIBC_2.2.5' }] },
      'needs libgomp.so.1',
    ],
    ['exports more', { exports: [...ENTRIES, 'helper'] }, `exports helper, ${ENTRIES.join(', ')}`],
    ['exports less', { exports: ENTRIES.slice(0, 1) }, `exports ${ENTRIES[0]}`],
    ['is not stripped', { link: LINK.filter(option => option !== '-s') }, 'is not stripped'],
    ['has a build id', { link: [...LINK, '-Wl,--build-id'] }, 'has a build id'],
    [
      'looks for libraries in folders of its own',
      { link: [...LINK, '-Wl,-rpath,/opt/lib'] },
      'names folders in which to look for libraries',
    ],
    [
      'may be unloaded',
      { link: LINK.filter(option => !option.includes('nodelete')) },
      'may be unloaded, though its threads run on',
    ],
  ]
  it.each(broken)('refuses one that %s', (_, parts, fault) => {
    const { status, faults } = checkLibrary(parts)
    expect(faults).toEqual([`${own.file}: ${fault}`])
    expect(status).toBe(1)
  })

  it('takes one for musl that needs its library, by whichever name, and refuses one that needs glibc', () => {
    const musl = targets.find(({ libc, arch }) => libc === 'musl' && arch === own.arch) as Target
    const checkMusl = (library: string) =>
      checkFiles({ [own.file]: sound, [musl.file]: makeLibrary(scratch, { needs: [{ library }] }) }).faults
    expect(checkMusl('libc.so')).toEqual([])
    expect(checkMusl(`libc.musl-${own.arch === 'x64' ? 'x86_64' : 'aarch64'}.so.1`)).toEqual([])
    expect(checkMusl('libc.so.6')).toEqual([`${musl.file}: needs libc.so.6`])
  })

  it('refuses one that is too big', () => {
    const filled = (size: number) => Buffer.concat([sound, Buffer.alloc(size - sound.length)])
    expect(checkFiles({ [own.file]: filled(12_000_000) }).faults).toEqual([])
    const { status, faults } = checkFiles({ [own.file]: filled(12_000_001) })
    expect(faults).toEqual([`${own.file}: has 12000001 bytes`])
    expect(status).toBe(1)
  })

  it('refuses one that contains the path that it was built in', () => {
    const root = makePackage({})
    const bytes = makeLibrary(scratch, { text: `${root}/native/cpu/run.cc` })
    mkdirSync(dirname(join(root, own.file)), { recursive: true })
    writeFileSync(join(root, own.file), bytes)
    expect(check(root).faults).toEqual([`${own.file}: contains the path that it was built in`])
    expect(checkFiles({ [own.file]: bytes }).faults).toEqual([])
  })

  it('tells all that is wrong, of all files', () => {
    const bytes = makeLibrary(scratch, { exports: [...ENTRIES, 'helper'], link: ['-Wl,--build-id=none'] })
    const { faults } = checkFiles({ [own.file]: bytes, [named('win32-x64').file]: bytes })
    expect(faults).toHaveLength(4)
  })
})

describe('check:prebuilds', () => {
  const elf = (machine: number) =>
    Buffer.concat([
      Buffer.from([0x7f, 0x45, 0x4c, 0x46, ...new Array(14).fill(0), machine, 0]),
      Buffer.alloc(64),
    ])
  const mach = (type: number) => {
    const bytes = Buffer.alloc(64)
    bytes.writeUInt32LE(0xfeedfacf, 0)
    bytes.writeUInt32LE(type, 4)
    return bytes
  }
  const portable = (machine: number) => {
    const bytes = Buffer.alloc(0x48)
    bytes.write('MZ')
    bytes.writeUInt32LE(0x40, 0x3c)
    bytes.writeUInt16LE(machine, 0x44)
    return bytes
  }
  /** Of other systems only the header is looked at. */
  const headers = {
    'linux-x64': elf(62),
    'linux-arm64': elf(183),
    'darwin-x64': mach(0x1000007),
    'darwin-arm64': mach(0x100000c),
    'win32-x64': portable(0x8664),
    'win32-arm64': portable(0xaa64),
    'nothing known': Buffer.alloc(64),
  }
  const isFor = (made: string) => (target: Target) => made === `${target.platform}-${target.arch}`

  it.each(Object.entries(headers))('refuses a binary for %s in the place of any other', (made, bytes) => {
    const places = targets.filter(target => !isFor(made)(target)).map(({ file }) => file)
    const { status, faults } = checkFiles(Object.fromEntries(places.map(file => [file, bytes])), '--release')
    const missing = targets
      .flatMap(filesOf)
      .filter(file => !places.includes(file))
      .map(file => `${file}: there is no such file`)
    expect(faults.sort()).toEqual([...missing, ...places.map(file => `${file}: is made for ${made}`)].sort())
    expect(status).toBe(1)
  })

  it.each(targets.filter(({ libc }) => libc === undefined))('takes one for $id in its place', target => {
    const made = `${target.platform}-${target.arch}` as keyof typeof headers
    const { status, faults, report } = checkFiles({ [target.file]: headers[made] }, target.id)
    expect(faults).toEqual([])
    expect(status).toBe(0)
    expect(report).toBe(`${target.file}: 0.0 MB\n`)
  })

  it("misses what is named, or every file of a release, or without a name this machine's own", () => {
    const missing = ({ file }: Target) => `${file}: there is no such file`
    const root = makePackage({})
    expect(check(root).faults).toEqual(targets.filter(isHost).map(missing))
    expect(check(root, 'darwin-x64')).toMatchObject({ status: 1, faults: [missing(named('darwin-x64'))] })
    expect(check(root, '--release').faults).toEqual(
      targets.flatMap(filesOf).map(file => `${file}: there is no such file`),
    )
  })

  it('refuses files that are none of those expected', () => {
    const { file } = named('darwin-arm64')
    const stray = 'prebuilds/darwin-arm64/losskit.node.map'
    const { status, faults } = checkFiles({ [file]: headers['darwin-arm64'], [stray]: '{}' }, 'darwin-arm64')
    expect(faults).toEqual([`${stray}: is none of the files expected`])
    expect(status).toBe(1)
  })

  it('says which targets there are where it is given another', () => {
    const { status, faults } = checkFiles({}, 'amiga-68k')
    expect(status).toBe(2)
    expect(faults).toEqual([
      `no such target: amiga-68k. There are ${targets.map(({ id }) => id).join(', ')}.`,
    ])
  })
})
