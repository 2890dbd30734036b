import { randomUUID } from 'node:crypto'
import { appendFileSync, renameSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type RunStatus, result, status, submit } from '../../lib/bullmq/index.ts'
import { testFolder } from '../evaluate/files.ts'
import { inOneProcess, plan, writeData } from './data.ts'
import { postgres, redis, type Server } from './servers.ts'
import { WorkerProcess, type WorkerSetting } from './workers.ts'

const folder = testFolder()
const inputs = writeData(folder, 'all', 200_000)
const expected = await inOneProcess(inputs)
const shards = 33

for (const kind of [redis, postgres]) {
  if (kind.missing !== undefined) console.warn(`skipped: runs on ${kind.name}: ${kind.missing}`)

  describe.skipIf(kind.missing !== undefined)(`a run on ${kind.name}`, () => {
    let server: Server
    const workers: WorkerProcess[] = []

    beforeAll(async () => {
      server = await kind.start()
    })
    afterAll(() => server?.stop())
    afterEach(() => {
      for (const worker of workers.splice(0)) worker.signal('SIGKILL')
    })

    /** A queue of its own, with the run in it: 33 shards, of some 6000 rows in six batches. */
    const submitted = async (of = inputs, more: { attempts?: number } = {}) => {
      const place = { url: server.url, queue: `test-${randomUUID()}` }
      const options = { ...place, inputs: of, plan, shards, chunkRows: 1000, ...more }
      return { place, options, run: { ...place, ...(await submit(options)) } }
    }
    const startWorkers = (count: number, setting: WorkerSetting) => {
      const started = Array.from({ length: count }, () => new WorkerProcess(setting))
      workers.push(...started)
      return started
    }
    const finished = async (run: { url: string; queue: string; id: string }): Promise<RunStatus> => {
      for (;;) {
        const now = await status(run)
        if (now.state === 'done' || now.state === 'failed') return now
        await sleep(50)
      }
    }
    const expectTheSameBits = async (run: { url: string; queue: string; id: string }) => {
      expect(await finished(run)).toEqual({
        id: run.id,
        state: 'done',
        rows: 200_000,
        rowsDone: 200_000,
        shards: { all: shards, done: shards, running: 0, failed: 0 },
        failures: [],
      })
      const { tally } = await result(run)
      expect(Buffer.from(tally.toBytes()).equals(expected)).toBe(true)
    }
    /** How often each shard was completed, over all workers. */
    const completions = () => {
      const counts = new Map<number, number>()
      for (const { shard } of workers.flatMap(worker => worker.of('done'))) {
        counts.set(shard.index, (counts.get(shard.index) ?? 0) + 1)
      }
      return counts
    }

    it.each([1, 2, 5])(
      'has the bits of one process with %i workers, and each shard is done once',
      async count => {
        const { place, run } = await submitted()
        startWorkers(count, place)
        await expectTheSameBits(run)
        expect([...completions().values()]).toEqual(Array(shards).fill(1))
        for (const worker of workers) expect(await worker.stop()).toBe(0)
      },
    )

    it('costs nothing when it is submitted again', async () => {
      const { place, run, options } = await submitted()
      const [worker] = startWorkers(1, { ...place, leaseSeconds: 30 }) as [WorkerProcess]
      expect(await submit(options)).toMatchObject({ id: run.id, was: 'known' })
      await expectTheSameBits(run)
      expect(await submit(options)).toMatchObject({ id: run.id, was: 'known' })
      await sleep(500)
      expect(worker.of('started')).toHaveLength(shards)
      expect(worker.of('merging')).toHaveLength(1)
    })

    it('goes on when a worker is killed in the middle of a shard', async () => {
      const { place, run } = await submitted()
      const trap = { on: 'progress', signal: 'SIGKILL', after: 3 } as const
      const [victim] = startWorkers(1, { ...place, trap }) as [WorkerProcess]
      // Sooner, the others might leave too few shards for it.
      await victim.saw('done')
      startWorkers(2, place)
      expect(await victim.exit).toBe('SIGKILL')
      const { shard } = victim.of('progress').at(-1) ?? {}
      await expectTheSameBits(run)
      // The shard that the victim had begun was done by another worker.
      expect(victim.of('done').map(done => done.shard)).not.toContainEqual(shard)
      expect(completions().size).toBe(shards)
      expect(workers.flatMap(worker => worker.of('stalled'))).not.toHaveLength(0)
    })

    it('goes on when the server crashes and comes back', async () => {
      const { place, run } = await submitted()
      const [first] = startWorkers(2, place) as [WorkerProcess]
      await first.saw('done')
      await server.crashAndRestart()
      await expectTheSameBits(run)
    })

    it('counts a shard once that two workers finish', async () => {
      const { place, run } = await submitted()
      const [sleeper] = startWorkers(1, { ...place, trap: { on: 'progress', signal: 'SIGSTOP', after: 3 } })
      const { shard } = await stoppedIn(sleeper as WorkerProcess)
      const [other] = startWorkers(1, place) as [WorkerProcess]
      await other.saw('done', done => done.shard.index === shard.index)
      sleeper?.signal('SIGCONT')
      await sleeper?.saw('done', done => done.shard.index === shard.index)
      await expectTheSameBits(run)
      expect(completions().get(shard.index)).toBe(2)
    })

    it('goes on when the worker is killed that merges', async () => {
      const { place, run } = await submitted()
      const trap = { on: 'merging', signal: 'SIGKILL' } as const
      const [victim] = startWorkers(1, { ...place, trap }) as [WorkerProcess]
      expect(await victim.exit).toBe('SIGKILL')
      expect(await status(run)).toMatchObject({ state: 'running', rowsDone: 200_000 })
      const [heir] = startWorkers(1, place) as [WorkerProcess]
      await expectTheSameBits(run)
      expect(heir.of('started')).toHaveLength(0)
      expect(heir.of('merged')).toHaveLength(1)
    })

    it('fails where the workers miss a file, and goes on from there when it is submitted again', async () => {
      const moved = writeData(folder, randomUUID(), 200_000)
      const { place, run, options } = await submitted(moved, { attempts: 1 })
      renameSync(moved.pred, `${moved.pred}.away`)
      const [worker] = startWorkers(1, place) as [WorkerProcess]
      const { state, failures } = await finished(run)
      expect(state).toBe('failed')
      expect(failures[0]).toMatch(
        /^shard \d+: ERR_FILE: .*-pred\.npy: cannot be read: there is no such file\.$/,
      )
      await worker.saw('failed', () => worker.of('failed').length === shards)
      renameSync(`${moved.pred}.away`, moved.pred)
      expect(await submit(options)).toMatchObject({ id: run.id, was: 'revived' })
      await expectTheSameBits(run)
    })

    it('refuses data that were changed after it was submitted', async () => {
      const changing = writeData(folder, randomUUID(), 200_000)
      const { place, run } = await submitted(changing, { attempts: 1 })
      appendFileSync(changing.target, 'x')
      startWorkers(1, place)
      expect((await finished(run)).failures[0]).toMatch(
        /ERR_PARTIAL: .*-target\.npy: is not the file that the run /,
      )
    })
  })
}

/** The progress at which a worker has stopped itself: the last one that it told of. */
async function stoppedIn(worker: WorkerProcess): Promise<{ shard: { index: number } }> {
  await worker.saw('started', () => worker.of('started').length >= 3)
  let told = -1
  while (worker.events.length !== told) {
    told = worker.events.length
    await sleep(300)
  }
  const last = worker.of('progress').at(-1)
  if (last === undefined) throw new Error('the worker has told nothing')
  return last
}
