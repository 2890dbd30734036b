/** The package in processes of every kind, from their beginning to their end. */

import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { esm, output, projectWith, put, run, tool } from './run.ts'

const numbers = /^2\.5 1\.6672338917851448 \w+$/

let project: string
beforeAll(() => {
  project = projectWith({ 'program.mjs': esm })
})

const runCode = (code: string, ...flags: string[]) =>
  run('node', [...flags, '--input-type=module', '-e', code], { cwd: project })

describe('a process ends in peace', () => {
  const start = "const losskit = await import('losskit'); const big = new Float32Array(2e6).fill(1);"
  it.each([
    ['when it has not yet loaded losskit', "import('losskit'); process.exit(0)"],
    ['when it has loaded losskit', `${start} process.exit(0)`],
    ['after a call', `${start} losskit.mse(big, big); process.exit(0)`],
    [
      'while calls are under way',
      `${start} for (let i = 0; i < 8; i++) losskit.mse.async(big, big); process.exit(0)`,
    ],
    [
      'when calls under way have ended',
      `${start} for (const value of await Promise.all([1, 2].map(() => losskit.mse.async(big, big)))) if (value !== 0) throw value`,
    ],
    ['with a prepared call', `${start} globalThis.step = losskit.mse.bind(big, big, { grad: true }); step()`],
    [
      'with an accumulator half filled',
      `${start} globalThis.sum = losskit.mse.accumulator().update(big, big)`,
    ],
    ['that computes as it ends', `${start} process.on('exit', () => losskit.mse(big, big))`],
    [
      'that computes before it ends',
      `${start} process.once('beforeExit', () => losskit.mse.async(big, big))`,
    ],
    ['after an error that it caught', `${start} try { losskit.mse([1], [1, 2]) } catch {}`],
  ])('%s', async (_, code) => {
    expect(await runCode(code)).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
  })

  it('with the code of an error that nobody caught, and no signal', async () => {
    const { code, signal, stderr } = await runCode("(await import('losskit')).mse([1], [1, 2])")
    expect({ code, signal }).toEqual({ code: 1, signal: null })
    expect(stderr).toContain('LosskitShapeError [ERR_SHAPE]: mse: ')
  })
})

describe('threads', () => {
  it('compute in eight workers at once, which end in the middle too', async () => {
    put(project, {
      'workers.mjs': `
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads'
import { mse } from 'losskit'
const big = new Float32Array(1e6).fill(2)
const target = new Float32Array(1e6)
if (isMainThread) {
  const ends = Array.from({ length: 8 }, (_, i) => new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { leaves: i % 2 === 1 } })
    let value
    worker.on('message', message => { value = message })
    worker.on('error', reject)
    worker.on('exit', code => resolve([code, value].join(':')))
  }))
  console.log((await Promise.all(ends)).join(' '), mse(big, target))
} else {
  parentPort.postMessage(mse(big, target) + (await mse.async(big, target)))
  if (workerData.leaves) {
    for (let i = 0; i < 4; i++) mse.async(big, target)
    setImmediate(() => process.exit(0))
  }
}
`,
    })
    expect(await output('node', ['workers.mjs'], { cwd: project })).toBe(
      `${Array(8).fill('0:8').join(' ')} 4`,
    )
  })
})

describe('two copies of the package in one process', () => {
  it('compute side by side, and one reads what the other has summed', async () => {
    const copy = join(project, 'other', 'node_modules', 'losskit')
    cpSync(join(project, 'node_modules', 'losskit'), copy, { recursive: true })
    const code = `
import * as one from 'losskit'
import * as two from './other/node_modules/losskit/dist/index.js'
if (one.mse === two.mse || one.backend().file === two.backend().file) throw new Error('this is one copy')
const big = new Float32Array(1e6).fill(2), zero = new Float32Array(1e6)
const values = await Promise.all([one, two, one, two].map(copy => copy.mse.async(big, zero)))
const sum = two.mse.accumulator().update([1, 2], [0, 0])
sum.merge(two.mse.accumulator.fromBytes(one.mse.accumulator().update([4], [0]).toBytes()))
console.log(values.join(' '), sum.value)
`
    put(project, { 'copies.mjs': code })
    expect(await output('node', ['copies.mjs'], { cwd: project })).toBe('4 4 4 4 7')
  })
})

describe('Node with', () => {
  it.each([
    // Electron sets the first.
    '--force-node-api-uncaught-exceptions-policy=true',
    '--throw-deprecation',
    '--disable-proto=throw',
    '--disallow-code-generation-from-strings',
    '--frozen-intrinsics --no-warnings',
    '--jitless --no-expose-wasm',
    '--abort-on-uncaught-exception',
    '--unhandled-rejections=strict',
    '--max-old-space-size=64',
  ])('%s computes', async flags => {
    expect(await output('node', [...flags.split(' '), 'program.mjs'], { cwd: project })).toMatch(numbers)
  })

  const node = tool('node-24/bin/node')
  it('--permission computes where it may read and load addons, and says what is missing where not', async () => {
    const may = ['--permission', '--no-warnings', '--allow-addons', '--allow-fs-read=*', 'program.mjs']
    expect(await output(node, may, { cwd: project })).toMatch(numbers)
    const mayNot = ['--permission', '--no-warnings', '--allow-fs-read=*', 'program.mjs']
    const { code, stderr } = await run(node, mayNot, { cwd: project })
    expect(code).toBe(1)
    expect(stderr).toContain('losskit is an addon: let Node load it')
  })
})
