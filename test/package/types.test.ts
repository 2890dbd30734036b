/** The types that the package comes with, as a strict project sees them. */

import { join } from 'node:path'
import { describe, expect, inject, it } from 'vitest'
import { projectWith, root, run, tool } from './run.ts'

const program = `
import { LosskitError, crossEntropy, huber, mse, type Tensor } from 'losskit'

const pred: Tensor = Float32Array.of(1, 2)
const value: number = mse(pred, [0, 0])
const each: Float32Array = huber(Float32Array.of(1), Float32Array.of(0), { reduction: 'none', delta: 2 })
const { grad }: { grad: { logits: Float32Array } } = crossEntropy.valueAndGrad(
  { data: Float32Array.of(1, 2), shape: [1, 2] },
  Int32Array.of(0),
)
const later: Promise<number> = mse.async(pred, pred)
// @ts-expect-error: there is no such option
mse(pred, pred, { delta: 1 })
// @ts-expect-error: there is no such reduction
mse(pred, pred, { reduction: 'median' })
export const all = [value, each, grad.logits, later, LosskitError]
`

const strict = {
  target: 'es2023',
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  noEmit: true,
}

/** AbortSignal is of the host: these are the types of browsers. Those of Node have errors of their own here. */
const host = { lib: ['es2023', 'dom'], types: [] }

describe('a TypeScript project that checks its libraries too', () => {
  it.each([
    ['nodenext', { module: 'nodenext', moduleResolution: 'nodenext', ...host }],
    ['bundler', { module: 'esnext', moduleResolution: 'bundler', ...host }],
  ])('compiles with %s', async (_, options) => {
    const compilerOptions = { ...strict, ...options }
    const project = projectWith({
      'program.mts': program,
      'tsconfig.json': JSON.stringify({ compilerOptions, files: ['program.mts'] }),
    })
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    expect(await run(process.execPath, [tsc, '-p', project], { cwd: project })).toMatchObject({
      code: 0,
      stdout: '',
    })
  })
})

describe('the package', () => {
  it('is in order for publint', async () => {
    const publint = [tool('publint/src/cli.js'), '--strict', inject('tarball')]
    const { code, stdout, stderr } = await run(process.execPath, publint, { cwd: root })
    expect(code, stdout + stderr).toBe(0)
    expect(stdout).toContain('All good!')
  })

  it('has types that resolve wherever modules of its kind do', async () => {
    const attw = [tool('@arethetypeswrong/cli/dist/index.js'), '--profile', 'esm-only', inject('tarball')]
    const { code, stdout, stderr } = await run(process.execPath, attw, { cwd: root })
    expect(code, stdout + stderr).toBe(0)
  })
})
