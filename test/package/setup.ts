/** Packs losskit as npm publishes it, and installs what the tests run it with. */

import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { npm, root, tools } from './run.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The packed package. */
    tarball: string
    /** A folder for what the tests make. */
    scratch: string
  }
}

export default function setup(project: TestProject): () => void {
  installTools()
  const scratch = mkdtempSync(join(tmpdir(), 'losskit-package-'))
  const packed = join(scratch, 'packed')
  mkdirSync(packed)
  const [{ filename }] = JSON.parse(npm(['pack', '--json', '--pack-destination', packed], { cwd: root })) as [
    { filename: string },
  ]
  project.provide('tarball', join(packed, filename))
  project.provide('scratch', scratch)
  return () => rmSync(scratch, { recursive: true, force: true })
}

/** Other versions of Node, for other processors too, which npm has to be forced to install. */
function installTools(): void {
  const installed = modified(join(tools, 'node_modules', '.package-lock.json'))
  if (installed >= modified(join(tools, 'package-lock.json'))) return
  npm(['ci', '--force', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: tools })
}

function modified(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
}
