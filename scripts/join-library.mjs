/**
 * Joins the modules of the library in dist/ into few files, which Node loads three times as fast as seventy.
 *
 * What is imported from elsewhere (the entry point, and what the command uses) stays a file of its own, which hands on what is
 * in the joined ones, so that there is one copy of everything. Those are in one folder of dist/, as deep as that of the loader,
 * whose paths are relative.
 */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import ts from 'typescript'

const dist = fileURLToPath(new URL('../dist', import.meta.url))
const folder = join(dist, 'library')
const entry = join(dist, 'index.js')

const library = reachable(entry)
const others = readdirSync(dist, { recursive: true })
  .map(name => join(dist, name))
  .filter(file => file.endsWith('.js') && !library.has(file))
const used = [...new Set([entry, ...others.flatMap(importsOf)])].filter(file => library.has(file))

/** The joined file that has what a file exports. */
const joinedOf = file => relative(dist, file).slice(0, -'.js'.length).split(sep).join('-')

// Constants must stay constants, which esbuild makes variables of: engines read them anew at each use.
const bundle = await rolldown({
  input: Object.fromEntries(used.map(file => [joinedOf(file), file])),
  platform: 'node',
  external: /^node:/,
})
await bundle.write({
  dir: folder,
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'shared-[hash].js',
  comments: false,
})
await bundle.close()
for (const name of readdirSync(folder)) {
  // One character beyond those of a byte would make engines hold the text in two bytes a character.
  const path = join(folder, name)
  writeFileSync(path, readFileSync(path, 'utf8').replace(/[\u0080-\uffff]/g, escaped))
}
for (const file of library) rmSync(file)
for (const file of used) {
  mkdirSync(dirname(file), { recursive: true })
  const joined = relative(dirname(file), join(folder, `${joinedOf(file)}.js`))
    .split(sep)
    .join('/')
  writeFileSync(file, `export * from ${JSON.stringify(joined.startsWith('.') ? joined : `./${joined}`)}\n`)
}

/** A file and the files that it imports, and so on. */
function reachable(file, found = new Set()) {
  if (found.has(file)) return found
  found.add(file)
  for (const imported of importsOf(file)) reachable(imported, found)
  return found
}

/** A UTF-16 unit as strings may spell it. */
function escaped(character) {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** The files of dist that a file imports. */
function importsOf(file) {
  const specifiers = ts
    .preProcessFile(readFileSync(file, 'utf8'))
    .importedFiles.map(({ fileName }) => fileName)
  return specifiers.filter(name => name.startsWith('.')).map(name => resolve(dirname(file), name))
}
