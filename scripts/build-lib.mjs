/**
 * Builds `lib/` into `dist/`: the library file by file, and what works on files (the command, its functions) bundled with the
 * packages that it needs, so that installing losskit installs nothing else.
 *
 * What the other entry points of package.json reach is the library, and there is one copy of it: bundles import it like any
 * program.
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

const { exports, peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const bundled = ['cli/main', 'evaluate/index', 'bullmq/index'].filter(name =>
  existsSync(join(lib, `${name}.ts`)),
)
const modules = reachableFrom('default')
requireNoDependency(modules)
removeAllBut(new Set([...modules, ...reachableFrom('types')]))
await bundle()

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
  const files = entries.map(entry => join(root, entry)).filter(file => !isBundled(file))
  return new Set(files.flatMap(file => [...reachable(file)]))
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

function isBundled(file) {
  return bundled.some(name => file === join(dist, `${name}.js`))
}

async function bundle() {
  const { metafile } = await build({
    entryPoints: bundled.map(name => join(lib, `${name}.ts`)),
    outdir: dist,
    outbase: lib,
    // What the bundles have in common is there once. Its folder is as deep as theirs, so that `../` means the same everywhere.
    splitting: true,
    chunkNames: 'shared/[name]-[hash]',
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    metafile: true,
    legalComments: 'none',
    external: Object.keys(peerDependencies),
    // Packages of the older module system call require() for the modules of Node.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'\nconst require = requireFrom(import.meta.url)",
    },
    plugins: [externalLibrary()],
  })
  chmodSync(join(dist, 'cli', 'main.js'), 0o755)
  writeFileSync(join(dist, 'cli', 'LICENSES.txt'), licences(Object.keys(metafile.inputs)))
}

/** Leaves the modules of the library out of the bundles; they are found from the folder of any of them. */
function externalLibrary() {
  return {
    name: 'external-library',
    setup({ onResolve }) {
      onResolve({ filter: /^\./ }, ({ path, resolveDir }) => {
        const source = resolve(resolveDir, path)
        const built = join(dist, relative(lib, source)).replace(/\.ts$/, '.js')
        if (!modules.has(built)) return undefined
        return { path: `../${relative(dist, built).split(sep).join('/')}`, external: true }
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
