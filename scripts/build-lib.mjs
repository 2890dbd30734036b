/**
 * Builds `lib/` into `dist/`: the library file by file, and the command with all that only it needs in one file, so that
 * installing losskit installs nothing else.
 *
 * What the entry points of package.json reach is the library, and there is one copy of it: the bundled command imports it like
 * any program.
 */

import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import ts from 'typescript'

const root = fileURLToPath(new URL('..', import.meta.url))
const [lib, dist] = [join(root, 'lib'), join(root, 'dist')]

rmSync(dist, { recursive: true, force: true })
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
})

rewriteDeclarations()

const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const modules = reachableFrom('default')
requireNoDependency(modules)
removeAllBut(new Set([...modules, ...reachableFrom('types')]))

const command = join(lib, 'cli', 'main.ts')
if (existsSync(command)) await bundle(command, join(dist, 'cli', 'main.js'))

/** The compiler names built files in code, but leaves the names of the sources in declarations. */
function rewriteDeclarations() {
  for (const name of readdirSync(dist, { recursive: true })) {
    if (!name.endsWith('.d.ts')) continue
    const file = join(dist, name)
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, text.replace(/((?:from |import\()(["'])\.[^"']*)\.ts\2/g, '$1.js$2'))
  }
}

/** All built files that the entry points reach under a condition of package.json. */
function reachableFrom(condition) {
  const entries = Object.values(exports).flatMap(entry => entry[condition] ?? [])
  return new Set(entries.flatMap(entry => [...reachable(join(root, entry))]))
}

/** A built file and the files that it imports, and so on. */
function reachable(file, found = new Set()) {
  if (found.has(file)) return found
  found.add(file)
  for (const specifier of importsOf(file)) {
    if (!specifier.startsWith('.')) continue
    const target = resolve(dirname(file), specifier)
    const built = file.endsWith('.d.ts') ? target.replace(/\.js$/, '.d.ts') : target
    // Outside of dist there is only binding.d.ts, which is shipped as it is.
    if (built.startsWith(dist + sep)) reachable(built, found)
  }
  return found
}

function importsOf(file) {
  return ts.preProcessFile(readFileSync(file, 'utf8')).importedFiles.map(({ fileName }) => fileName)
}

function requireNoDependency(files) {
  for (const file of files) {
    const foreign = importsOf(file).find(specifier => !/^(\.|node:)/.test(specifier))
    if (foreign !== undefined) {
      throw new Error(
        `${relative(dist, file)} imports ${foreign}, but the library must not depend on a package.`,
      )
    }
  }
}

function removeAllBut(kept) {
  for (const name of readdirSync(dist, { recursive: true })) {
    const file = join(dist, name)
    if (/\.(js|d\.ts)$/.test(name) && !kept.has(file)) rmSync(file)
  }
  removeEmptyFolders(dist)
}

function removeEmptyFolders(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeEmptyFolders(join(folder, entry.name))
  }
  if (readdirSync(folder).length === 0) rmSync(folder, { recursive: true })
}

async function bundle(entry, outfile) {
  const { metafile } = await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    metafile: true,
    legalComments: 'none',
    // Packages of the older module system call require() for the modules of Node.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'\nconst require = requireFrom(import.meta.url)",
    },
    plugins: [externalLibrary(dirname(outfile))],
  })
  chmodSync(outfile, 0o755)
  writeFileSync(join(dirname(outfile), 'LICENSES.txt'), licences(Object.keys(metafile.inputs)))
}

/** Leaves the modules of the library out of the bundle; they are found from where the bundle lies. */
function externalLibrary(from) {
  return {
    name: 'external-library',
    setup({ onResolve }) {
      onResolve({ filter: /^\./ }, ({ path, resolveDir }) => {
        const source = resolve(resolveDir, path)
        const built = join(dist, relative(lib, source)).replace(/\.ts$/, '.js')
        if (!modules.has(built)) return undefined
        return { path: relative(from, built).split(sep).join('/'), external: true }
      })
    },
  }
}

/** The licences of the packages among the files of a bundle. */
function licences(inputs) {
  const folders = new Set(inputs.flatMap(input => input.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/) ?? []))
  const texts = [...folders].sort().map(folder => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
    const file = readdirSync(join(root, folder)).find(name => /^licen[cs]e/i.test(name))
    if (file === undefined) throw new Error(`${name} is bundled but has no licence file.`)
    return `${name} ${version} (${license})\n\n${readFileSync(join(root, folder, file), 'utf8').trim()}\n`
  })
  return `The command contains these packages.\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`
}
