/** The package in everything that runs JavaScript with Node-API. */

import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { cjs, esm, output, plainEnv, projectWith, tool } from './run.ts'

const numbers = '2.5 1.6672338917851448'

let project: string
beforeAll(() => {
  project = projectWith({ 'program.mjs': esm, 'program.cjs': cjs })
})

describe.each([
  ['Node 20.19', tool('node-20/bin/node'), []],
  ['Node 22', tool('node-22/bin/node'), []],
  ['Node 24', tool('node-24/bin/node'), []],
  ['Node 26', tool('node-26/bin/node'), []],
  ['Bun', tool('@oven/bun-linux-x64/bin/bun'), ['run']],
  ['Deno', tool('@deno/linux-x64-glibc/deno'), ['run', '-A']],
])('%s', (_, program, args) => {
  it.each(['program.mjs', 'program.cjs'])('runs %s', async file => {
    expect(await output(program, [...args, file], { cwd: project })).toMatch(new RegExp(`^${numbers} \\w+$`))
  })

  it('computes the same without vector instructions', async () => {
    const env = { ...plainEnv, LOSSKIT_ISA: 'scalar' }
    expect(await output(program, [...args, 'program.mjs'], { cwd: project, env })).toBe(`${numbers} scalar`)
  })
})

describe('64-bit Arm, emulated', () => {
  const node = fileURLToPath(new URL('../../scripts/arm64/node', import.meta.url))
  const emulate = (file: string, env = plainEnv) => output(node, [join(project, file)], { cwd: project, env })

  it('runs the package with NEON, by import and require', async () => {
    expect(await emulate('program.mjs')).toBe(`${numbers} neon`)
    expect(await emulate('program.cjs')).toBe(`${numbers} neon`)
  })

  it('computes the same without vector instructions', async () => {
    expect(await emulate('program.mjs', { ...plainEnv, LOSSKIT_ISA: 'scalar' })).toBe(`${numbers} scalar`)
  })

  it('is run by a Node for Arm', async () => {
    expect(await output(node, ['-p', 'process.arch'], { cwd: dirname(node) })).toBe('arm64')
  })
})
