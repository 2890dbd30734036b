/** Programs that are packed with the package outside, and those whose files are traced. */

import { copyFileSync, mkdirSync, mkdtempSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'
import { describe, expect, inject, it } from 'vitest'
import { esm, output, projectWith, requireTool, run } from './run.ts'

const numbers = /^2\.5 1\.6672338917851448 \w+$/

describe('a bundler that leaves losskit outside', () => {
  it('is esbuild', async () => {
    const project = projectWith({ 'program.mjs': esm })
    await build({
      entryPoints: [join(project, 'program.mjs')],
      outfile: join(project, 'out', 'bundle.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['losskit'],
    })
    expect(await output('node', ['out/bundle.mjs'], { cwd: project })).toMatch(numbers)
  })

  it('is webpack', async () => {
    const project = projectWith({ 'program.mjs': esm })
    const webpack = requireTool('webpack')
    const errors = await new Promise((resolve, reject) => {
      const options = {
        context: project,
        entry: './program.mjs',
        target: 'node',
        mode: 'production',
        externals: { losskit: 'module losskit' },
        experiments: { outputModule: true },
        output: { path: join(project, 'out'), filename: 'bundle.mjs', library: { type: 'module' } },
      }
      webpack(options, (error: Error | null, stats: { toJson(what: object): { errors: object[] } }) => {
        if (error !== null) reject(error)
        else resolve(stats.toJson({ errors: true }).errors)
      })
    })
    expect(errors).toEqual([])
    expect(await output('node', ['out/bundle.mjs'], { cwd: project })).toMatch(numbers)
  })
})

describe('a bundler that packs losskit too', () => {
  it('makes a program that says what is wrong and what to do', async () => {
    const project = projectWith({ 'program.mjs': esm })
    const outfile = join(project, 'out', 'bundle.mjs')
    await build({
      entryPoints: [join(project, 'program.mjs')],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
    })
    const { code, stderr } = await run('node', [outfile], { cwd: project })
    expect(code).toBe(1)
    expect(stderr).toContain('[ERR_LOAD]')
    expect(stderr).toContain('if a bundler packs your program, mark losskit as external')
  })
})

describe('a file tracer', () => {
  it('finds all that a program needs, the binary too', async () => {
    const project = projectWith({ 'program.mjs': esm })
    const { nodeFileTrace } = requireTool('@vercel/nft')
    const { fileList } = (await nodeFileTrace([join(project, 'program.mjs')], { base: project })) as {
      fileList: Set<string>
    }
    expect([...fileList]).toContain('node_modules/losskit/prebuilds/linux-x64/losskit.glibc.node')

    const deployed = mkdtempSync(join(inject('scratch'), 'deployed-'))
    for (const file of fileList) {
      mkdirSync(dirname(join(deployed, file)), { recursive: true })
      copyFileSync(join(project, file), join(deployed, file))
    }
    expect(await output('node', ['program.mjs'], { cwd: deployed })).toMatch(numbers)
  })
})
