import type { ChildProcess } from 'node:child_process'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { losskit, outcome, start } from '../cli/command.ts'
import { testFolder } from '../evaluate/files.ts'
import { writeData } from './data.ts'
import { freePort, redis, type Server } from './servers.ts'

const folder = testFolder()
const { pred, target } = writeData(folder, 'all', 200_000)
const asked = [
  '--pred',
  pred,
  '--target',
  target,
  '--loss',
  'mse',
  '--loss',
  'huber',
  '--delta',
  '2',
] as const
folder.write('bad.csv', 'p,y\n0.5,1\n0.5,2\n')
const bad = ['bad.csv', '--pred', 'p', '--target', 'y', '--loss', 'bce'] as const

if (redis.missing !== undefined) console.warn(`skipped: losskit cluster: ${redis.missing}`)

describe.skipIf(redis.missing !== undefined)('losskit cluster', () => {
  let server: Server
  const running: ChildProcess[] = []
  beforeAll(async () => {
    server = await redis.start()
  })
  afterAll(() => server?.stop())
  afterEach(() => {
    for (const child of running.splice(0)) child.kill('SIGKILL')
  })

  const cluster = (queue: string, ...args: string[]) =>
    losskit(['cluster', ...args, '--queue', queue], {
      cwd: folder.path,
      env: { LOSSKIT_CLUSTER_URL: server.url },
    })
  const worker = (queue: string, ...args: string[]) => {
    const child = start(['cluster', 'work', '--queue', queue, ...args], {
      env: { LOSSKIT_CLUSTER_URL: server.url },
    })
    running.push(child)
    return { child, done: outcome(child) }
  }

  it('prints with --wait what "losskit evaluate" prints', async () => {
    const single = await losskit(['evaluate', ...asked, '--json'])
    const { child, done } = worker('wait')
    const waited = await cluster('wait', 'submit', ...asked, '--shards', '33', '--wait', '--json')
    expect(waited).toMatchObject({ code: 0, stdout: single.stdout })
    expect(waited.stderr).toMatch(/^losskit: run-[0-9a-f]{32}: 200000 rows in 33 shards\n$/)
    child.kill('SIGTERM')
    const { code, stdout, stderr } = await done
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(stderr.match(/did shard \d+\/33 of run-/g)).toHaveLength(33)
    expect(stderr).toMatch(/merged run-[0-9a-f]{32} in \d+\.\d\d s\n$/)
  })

  it('prints the id of a run, how far it is, and its result', async () => {
    const { code, stdout } = await cluster('steps', 'submit', ...asked)
    const id = stdout.trim()
    expect({ code, id }).toEqual({ code: 0, id: expect.stringMatching(/^run-[0-9a-f]{32}$/) })
    expect(await cluster('steps', 'status', id)).toMatchObject({
      code: 0,
      stdout: 'waiting: 0 of 1 shards, 0 of 200000 rows, 0 running\n',
    })
    expect(await cluster('steps', 'result', id)).toMatchObject({
      code: 3,
      stderr: `losskit: ERR_CLUSTER: ${id}: is not done. Ask for its status.\n`,
    })
    worker('steps')
    expect(await cluster('steps', 'submit', ...asked, '--wait')).toMatchObject({ code: 0 })
    expect(JSON.parse((await cluster('steps', 'status', id, '--json')).stdout)).toMatchObject({
      state: 'done',
    })
    const single = await losskit(['evaluate', ...asked])
    expect(await cluster('steps', 'result', id)).toMatchObject({ code: 0, stdout: single.stdout })
    expect(await cluster('steps', 'result', id, '--fail-above', 'mse=1')).toMatchObject({ code: 1 })
  })

  it('gives a shard back on SIGTERM when its grace is over', async () => {
    const [slow] = [worker('grace', '--grace', '0')]
    const submitted = cluster('grace', 'submit', ...asked, '--chunk-rows', '10', '--wait', '--json')
    await new Promise<void>(resolve => slow.child.stderr?.once('data', () => setTimeout(resolve, 500)))
    slow.child.kill('SIGTERM')
    const { code, stderr } = await slow.done
    expect(stderr).toMatch(/gave back shard 1\/1 of run-/)
    expect(code).toBe(0)
    worker('grace')
    const single = await losskit(['evaluate', ...asked, '--json'])
    expect(await submitted).toMatchObject({ code: 0, stdout: single.stdout })
  })

  it('fails for data that no worker will like better, and at once', async () => {
    worker('bad')
    const { code, stdout, stderr } = await cluster('bad', 'submit', ...bad, '--shards', '2', '--wait')
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    expect(stderr).toMatch(
      /ERR_CLUSTER: run-\w+ has failed: shard 2: ERR_DATA: .*bad\.csv, column "y": line 3: /,
    )
  })

  it.each([
    [['submit', ...asked, '--url', 'http://a'], 2, '"http://a" is no address of a server.'],
    [['submit', ...asked, '--shards', '1000000'], 2, '1000000 shards are not possible.'],
    [['submit', ...asked, '--fail-above', 'mse=1'], 2, '--fail-above needs --wait.'],
    [['submit', 'nowhere.csv', '--pred', 'p', '--target', 'y', '--loss', 'mse'], 3, 'there is no such file'],
    [['status', 'run-0'], 3, 'run-0: there is no such run in the queue any of redis://127.0.0.1:'],
    [['nothing'], 2, "unknown command 'nothing'"],
  ])('%j says what is wrong', async (args, code, message) => {
    const failed = await cluster('any', ...args)
    expect(failed).toMatchObject({ code, stdout: '' })
    expect(failed.stderr).toContain(message)
    expect(failed.stderr).toMatch(/^losskit: ERR_[A-Z]+: [^\n]+\n$/)
  })
})

describe('losskit cluster without a server', () => {
  it('says that it does not answer, and tells nobody the password', async () => {
    for (const kind of ['redis', 'postgres']) {
      const url = `${kind}://me:secret@127.0.0.1:${await freePort()}/`
      const { code, stderr } = await losskit(['cluster', 'status', 'run-0', '--url', url])
      expect(code).toBe(3)
      expect(stderr).toMatch(
        new RegExp(`^losskit: ERR_CLUSTER: the queue at ${kind}://me@127.* does not answer: .*ECONNREFUSED`),
      )
      expect(stderr).not.toContain('secret')
    }
  })
})
