import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { file as loadedFile } from '../../lib/backend/binding.ts'
import { load } from '../../lib/backend/load.ts'
import { backend, cuda, type LosskitLoadError, setThreads } from '../../lib/index.ts'
import { targets } from '../../scripts/prebuild/targets.mjs'
import { thrown } from './thrown.ts'

const folder = mkdtempSync(join(tmpdir(), 'losskit-load-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** The loader by itself, to be installed anywhere. */
const loader = join(folder, 'load.mjs')
beforeAll(async () => {
  const source = fileURLToPath(new URL('../../lib/backend/load.ts', import.meta.url))
  await build({ entryPoints: [source], outfile: loader, bundle: true, platform: 'node', format: 'esm' })
})

/** A package of its own, since Node remembers what it has loaded, with the native files that are asked for. */
async function install(put: (file: string) => void, ...names: readonly ('built' | 'prebuilt')[]) {
  const root = mkdtempSync(join(folder, 'package-'))
  const code = join(root, 'dist', 'backend', 'load.mjs')
  mkdirSync(dirname(code), { recursive: true })
  copyFileSync(loader, code)
  const files = {
    built: join(root, 'build', 'Release', 'losskit.node'),
    prebuilt: join(root, 'prebuilds', `${process.platform}-${process.arch}`, 'losskit.glibc.node'),
  }
  for (const name of names) {
    mkdirSync(dirname(files[name]), { recursive: true })
    put(files[name])
  }
  const installed = (await import(pathToFileURL(code).href)) as { load: typeof load }
  return { root, ...files, load: installed.load }
}

const whole = (file: string) => copyFileSync(loadedFile, file)
const broken = (file: string) => writeFileSync(file, 'broken')

const write = (name: string, text: string | Uint8Array) => {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

describe('the addon', () => {
  it('is loaded from the file that LOSSKIT_BINARY names, absolute or relative', () => {
    expect(load({ LOSSKIT_BINARY: loadedFile }).file).toBe(loadedFile)
    expect(load({ LOSSKIT_BINARY: relative(process.cwd(), loadedFile) }).file).toBe(loadedFile)
  })

  it('is otherwise what was built in the checkout, and without that what was prebuilt', async () => {
    const both = await install(whole, 'built', 'prebuilt')
    expect(both.load({}).file).toBe(both.built)
    expect(both.load({ LOSSKIT_PREBUILDS_ONLY: '1' }).file).toBe(both.prebuilt)
    const one = await install(whole, 'prebuilt')
    expect(one.load({}).file).toBe(one.prebuilt)
  })

  it('of this checkout is that of the tests', () => {
    const { file, target } = load({})
    expect(file).toMatch(/build[/\\]Release[/\\]losskit\.node$/)
    expect(target).toBe(`${process.platform}-${process.arch}`)
  })
})

describe('ERR_LOAD', () => {
  const failure = (env: NodeJS.ProcessEnv) => thrown(() => load(env)) as LosskitLoadError
  /** Of a loader that is installed, whose error class is a copy of its own. */
  const failureOf = (installed: { load: typeof load }) => {
    try {
      installed.load({})
    } catch (error) {
      return error as LosskitLoadError
    }
    throw new Error('nothing was thrown')
  }

  let failing = 0

  it('where LOSSKIT_BINARY names no file: nothing else is tried', () => {
    const error = failure({ LOSSKIT_BINARY: '/no/such/losskit.node' })
    expect(error).toMatchObject({ name: 'LosskitLoadError', code: 'ERR_LOAD' })
    expect(error.message).toBe(
      `losskit: cannot load the native addon for ${process.platform}-${process.arch}.\n` +
        '  /no/such/losskit.node: there is no such file\n' +
        'LOSSKIT_BINARY names this file. Correct it, or unset it to use the file that comes with losskit.',
    )
    expect(error.cause).toMatchObject({ code: 'MODULE_NOT_FOUND' })
  })

  it('where the file is of another platform', () => {
    const error = failure({ LOSSKIT_BINARY: write('text.node', 'this is no library') })
    expect(error.message).toContain('text.node: ')
    expect(error.message).toContain('The file was made for another platform')
    expect(error.cause).toMatchObject({ code: 'ERR_DLOPEN_FAILED' })
  })

  it('where the file is something else', () => {
    const error = failure({ LOSSKIT_BINARY: write('module.cjs', 'module.exports = { run() {} }') })
    expect(error.message).toContain('module.cjs: it is a module, but not the addon of losskit')
  })

  it.each([
    [
      'an old glibc',
      "/lib/libm.so.6: version `GLIBC_2.99' not found",
      /needs glibc 2\.28 or later, and here is \d/,
    ],
    [
      'an old C++ library',
      "libstdc++.so.6: version `GLIBCXX_3.4.99' not found",
      /The C or C\+\+ library of this system is too old/,
    ],
    [
      'a missing library',
      'libstdc++.so.6: cannot open shared object file: No such file',
      /but a library that it needs is not/,
    ],
    [
      'one on musl',
      'Error loading shared library libstdc++.so.6: No such file',
      /but a library that it needs is not/,
    ],
    ['one on Windows', 'The specified module could not be found.', /but a library that it needs is not/],
    [
      'one on macOS',
      'dlopen(losskit.node): Library not loaded: /usr/lib/x.dylib',
      /but a library that it needs is not/,
    ],
    ['musl on glibc', 'libc.musl-x86_64.so.1: cannot open shared object file', /made for another C library/],
    [
      'glibc on musl',
      'Error loading shared library ld-linux-x86-64.so.2: No such file',
      /made for another C library/,
    ],
    [
      'glibc on musl with a shim',
      'Error relocating losskit.node: fcntl64: symbol not found',
      /made for another C library/,
    ],
    ['another processor', 'losskit.node: wrong ELF class: ELFCLASS32', /for another platform, or is damaged/],
    [
      'another processor on macOS',
      "mach-o file, but is an incompatible architecture (have 'arm64')",
      /for another platform/,
    ],
    [
      'another system on Windows',
      '\\\\?\\C:\\losskit.node is not a valid Win32 application.',
      /for another platform/,
    ],
    [
      'a folder without programs',
      'losskit.node: failed to map segment from shared object',
      /mounted with noexec/,
    ],
  ])('says what to do about %s', (_, message, advice) => {
    const code = `throw Object.assign(new Error(${JSON.stringify(message)}), { code: 'ERR_DLOPEN_FAILED' })`
    const error = failure({ LOSSKIT_BINARY: write(`failing-${++failing}.cjs`, code) })
    expect(error.message).toContain(message)
    expect(error.message).toMatch(advice)
    expect(error.message.split('\n')).toHaveLength(4)
    expect(error.cause).toMatchObject({ message, code: 'ERR_DLOPEN_FAILED' })
  })

  it('where the prebuilt file was lost', async () => {
    const installed = await install(whole)
    expect(failureOf(installed).message).toBe(
      `losskit: cannot load the native addon for ${process.platform}-${process.arch} (glibc).\n` +
        `  ${installed.prebuilt}: there is no such file\n` +
        'In a checkout, run `npm run build`. In an installed package the file was lost on the way: install losskit again, ' +
        'and if a bundler packs your program, mark losskit as external.',
    )
  })

  it('where neither the build nor the prebuilt file loads, with both reasons', async () => {
    const installed = await install(broken, 'built', 'prebuilt')
    const { message, cause } = failureOf(installed)
    expect(message).toContain(`  ${installed.built}: `)
    expect(message).toContain(`  ${installed.prebuilt}: `)
    expect((cause as AggregateError).errors).toHaveLength(2)
    expect(message.match(/made for another platform/g)).toHaveLength(1)
  })

  it('where only other platforms are in the package, naming those', async () => {
    const installed = await install(whole)
    const other = join(installed.root, 'prebuilds', 'win32-x64', 'losskit.node')
    mkdirSync(dirname(other), { recursive: true })
    whole(other)
    const { message } = failureOf(installed)
    expect(message).toContain('losskit.glibc.node: there is no such file\n')
    expect(message).toContain(
      'This copy of losskit has binaries for win32-x64 only. Build losskit from source',
    )
  })

  describe('on another system', () => {
    const real = { platform: process.platform, arch: process.arch, execPath: process.execPath }
    const pretend = (values: Partial<typeof real>) => {
      for (const [name, value] of Object.entries(values)) Object.defineProperty(process, name, { value })
    }
    afterEach(() => pretend(real))

    it('that has no binary: says so', async () => {
      const installed = await install(whole)
      pretend({ platform: 'sunos', arch: 'x64' })
      expect(failureOf(installed).message).toBe(
        'losskit: cannot load the native addon for sunos-x64.\n' +
          'This copy of losskit has no binary. ' +
          'Build losskit from source on this system and let LOSSKIT_BINARY name the file (README.md, "Build from source").',
      )
    })

    it.each(targets)('takes the file $file on $name', async ({ name, platform, arch, libc, file }) => {
      const installed = await install(whole)
      const program = write(
        `node-${libc}`,
        `\x7fELF /lib/ld-${libc === 'musl' ? 'musl' : 'linux'}-${arch}.so.1`,
      )
      pretend({ platform, arch, execPath: program })
      const { message } = failureOf(installed)
      expect(message).toContain(`for ${name}.`)
      expect(message).toContain(`${join(installed.root, file)}: there is no such file`)
    })

    it('takes no file that is not built for some target', () => {
      const source = readFileSync(new URL('../../lib/backend/load.ts', import.meta.url), 'utf8')
      const named = [...source.matchAll(/require\('\.\.\/\.\.\/(prebuilds\/.*?)'\)/g)].map(match => match[1])
      expect(named.sort()).toEqual(targets.map(({ file }) => file).sort())
    })

    it('asks the report for the C library where the program cannot be read', async () => {
      const installed = await install(whole)
      const report = vi.spyOn(process.report, 'getReport').mockReturnValue({ header: {} })
      try {
        pretend({ platform: 'linux', arch: 'x64', execPath: join(installed.root, 'no-such-program') })
        expect(failureOf(installed).message).toContain('for linux-x64 (musl).')
      } finally {
        report.mockRestore()
      }
    })
  })

  it('where Node runs without addons', () => {
    const code = `require(${JSON.stringify(loadedFile)})`
    const { stderr } = spawnSync(process.execPath, ['--no-addons', '-e', code], { encoding: 'utf8' })
    expect(stderr).toContain('ERR_DLOPEN_DISABLED')
    const file = write(
      'disabled.cjs',
      "throw Object.assign(new Error('disabled'), { code: 'ERR_DLOPEN_DISABLED' })",
    )
    expect(failure({ LOSSKIT_BINARY: file }).message).toContain('Node runs with --no-addons')
  })

  it('where Node may not read the file', () => {
    const file = write(
      'denied.cjs',
      "throw Object.assign(new Error('Access to this API has been restricted'), { code: 'ERR_ACCESS_DENIED' })",
    )
    expect(failure({ LOSSKIT_BINARY: file }).message).toContain('--allow-fs-read')
  })
})

describe('the report', () => {
  it('says what computes and why', () => {
    const report = backend()
    expect(report).toMatchObject({
      backend: 'cpu',
      file: loadedFile,
      target: `${process.platform}-${process.arch}`,
      cuda: cuda.status(),
    })
    expect(report.isas).toContain(report.isa)
    expect(report.threads).toBeGreaterThanOrEqual(1)
    expect(report.cpus).toBeGreaterThanOrEqual(1)
  })

  it('follows setThreads', () => {
    const { threads } = backend()
    try {
      expect(setThreads(3)).toBe(3)
      expect(backend().threads).toBe(3)
      expect(setThreads(100_000)).toBe(256)
    } finally {
      setThreads(threads)
    }
  })
})
