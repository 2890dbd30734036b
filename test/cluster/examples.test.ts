import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { losskit, main } from '../cli/command.ts'
import { testFolder } from '../evaluate/files.ts'
import { writeData } from './data.ts'

const run = promisify(execFile)
const folder = testFolder()
const examples = fileURLToPath(new URL('../../examples/cluster', import.meta.url))
const { pred, target } = writeData(folder, 'all', 1000)
const question = ['--pred', pred, '--target', target, '--loss', 'mse', '--worst', '3']
const single = async () => (await losskit(['evaluate', ...question, '--json'])).stdout
const env = { ...process.env, LOSSKIT: `${process.execPath} ${main}` }

describe('the example of', () => {
  it('xargs has the bits of one process', async () => {
    const parts = join(folder.path, 'parts')
    const { stdout } = await run(join(examples, 'xargs.sh'), ['4', parts, ...question], { env })
    expect(stdout).toBe(await single())
  })

  it('Spark has them too, where the shell takes the part of Spark', async () => {
    // The line of spark.py that each task runs, with the number of its shard on standard input.
    const [, task = ''] = /^task = f'(.*)'$/m.exec(readFileSync(join(examples, 'spark.py'), 'utf8')) ?? []
    const command = task
      .replace('npx losskit', env.LOSSKIT)
      .replace('{question}', question.join(' '))
      .replace('{shards}', '3')
    expect(command).toMatch(/^read shard && exec .* --shard "\$shard\/3" --partial -$/)
    const partials = ['3', '1', '2'].map(async shard => {
      const child = run('sh', ['-c', command])
      child.child.stdin?.end(`${shard}\n`)
      return (await child).stdout
    })
    const input = (await Promise.all(partials)).join('')
    expect(input.trim().split('\n')).toHaveLength(3)
    expect((await losskit(['merge', '-', '--json'], { input })).stdout).toBe(await single())
  })
})
