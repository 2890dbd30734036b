/**
 * Lives of a process that uses the addon, each ended in its own way: `node scenarios.mjs <name> <addon>`. A scenario
 * passes if the process ends with code 0 and by no signal.
 */

import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { batch, check, generator, load, run, runAsync, runRawAsync } from './addon.mjs'

const LARGE = 4_000_000
const THREADS = 4

function start(file) {
  const binding = load(file)
  binding.setThreads(THREADS)
  return binding
}

function worker(file, role) {
  return new Worker(fileURLToPath(import.meta.url), { workerData: { file, role } })
}

const ended = worker => new Promise((resolve, reject) => worker.on('exit', resolve).on('error', reject))

const scenarios = {
  'process.exit right after loading': file => {
    load(file)
    process.exit(0)
  },

  'the end of the program right after loading': file => {
    load(file)
  },

  'process.exit right after a call on several threads': file => {
    const binding = start(file)
    const inputs = batch(LARGE)
    check(run(binding, inputs) === inputs.sum, 'wrong sum')
    process.exit(0)
  },

  'process.exit in the middle of asynchronous calls': async file => {
    const binding = start(file)
    const inputs = batch(LARGE)
    for (let i = 0; i < 12; i++) runAsync(binding, inputs, new Float32Array(LARGE))
    await wait(Number(process.argv[4] ?? 0))
    process.exit(0)
  },

  'the end of the program in the middle of asynchronous calls, which are finished': file => {
    const binding = start(file)
    const inputs = batch(LARGE)
    for (let i = 0; i < 8; i++) {
      runAsync(binding, inputs, new Float32Array(LARGE)).then(sum => {
        check(sum === inputs.sum, 'wrong sum')
        process.stdout.write('.')
      })
    }
  },

  'asynchronous calls whose arrays nobody else holds': async file => {
    const binding = start(file)
    const sums = []
    for (let i = 0; i < 30; i++) {
      const inputs = batch(200_000)
      const { sum } = inputs
      sums.push(
        runAsync(binding, inputs, new Float32Array(200_000)).then(value => check(value === sum, 'wrong sum')),
      )
      globalThis.gc()
      new Float32Array(500_000).fill(7)
    }
    globalThis.gc()
    await Promise.all(sums)
  },

  'synchronous calls in between asynchronous ones': async file => {
    const binding = start(file)
    const inputs = batch(1_000_000)
    const small = batch(50)
    const sums = []
    for (let i = 0; i < 10; i++) {
      sums.push(runAsync(binding, inputs, new Float32Array(1_000_000)))
      check(run(binding, small) === small.sum, 'wrong small sum')
      check(run(binding, inputs, new Float32Array(1_000_000)) === inputs.sum, 'wrong sum')
    }
    for (const sum of await Promise.all(sums)) check(sum === inputs.sum, 'wrong asynchronous sum')
  },

  'several workers at once': async file => {
    const binding = start(file)
    const workers = Array.from({ length: 6 }, () => worker(file, 'work'))
    const inputs = batch(300_000)
    const codes = Promise.all(workers.map(ended))
    for (let i = 0; i < 20; i++) {
      check(run(binding, inputs) === inputs.sum, 'wrong sum')
      await runAsync(binding, inputs)
    }
    check(
      (await codes).every(code => code === 0),
      'a worker failed',
    )
  },

  'workers that load the addon first, while the main thread never does': async file => {
    const codes = await Promise.all(Array.from({ length: 4 }, () => ended(worker(file, 'work'))))
    check(
      codes.every(code => code === 0),
      'a worker failed',
    )
  },

  'workers that are terminated in the middle of asynchronous calls': async file => {
    const binding = start(file)
    const random = generator(1)
    for (let round = 0; round < 12; round++) {
      const workers = Array.from({ length: 2 }, () => worker(file, 'endless'))
      await Promise.all(workers.map(worker => new Promise(resolve => worker.once('message', resolve))))
      await wait(random.below(8))
      await Promise.all(workers.map(worker => worker.terminate()))
    }
    const inputs = batch(300_000)
    check(run(binding, inputs) === inputs.sum, 'wrong sum after the workers')
    check((await runAsync(binding, inputs)) === inputs.sum, 'wrong asynchronous sum after the workers')
  },

  'workers that exit by themselves in the middle of asynchronous calls': async file => {
    for (let round = 0; round < 8; round++)
      check((await ended(worker(file, 'exit'))) === 0, 'a worker failed')
  },

  'process.exit while workers compute': async file => {
    const workers = Array.from({ length: 3 }, () => worker(file, 'endless'))
    await Promise.all(workers.map(worker => new Promise(resolve => worker.once('message', resolve))))
    process.exit(0)
  },

  'child processes after the threads have started': file => {
    const binding = start(file)
    const inputs = batch(LARGE)
    for (let i = 0; i < 5; i++) {
      check(run(binding, inputs) === inputs.sum, 'wrong sum')
      const child = spawnSync(process.execPath, [
        fileURLToPath(import.meta.url),
        'process.exit right after a call on several threads',
        file,
      ])
      check(child.status === 0, `the child ended with ${child.status} ${child.signal}`)
    }
    check(run(binding, inputs) === inputs.sum, 'wrong sum after the children')
  },

  'a cancelled asynchronous call': async file => {
    const binding = start(file)
    const inputs = batch(LARGE)
    const cancel = Int32Array.of(1)
    const [status] = await runRawAsync(binding, inputs, undefined, cancel)
    const { statuses } = binding
    check(statuses[status] === 'aborted', `the status is ${statuses[status]}`)
    check(run(binding, inputs) === inputs.sum, 'wrong sum after it')
  },

  'a pause before a call, whose helpers then keep off the core of the caller': async file => {
    const cores = task => {
      const [, mask] = /^Cpus_allowed:\s+([\da-f,]+)$/m.exec(
        readFileSync(`/proc/self/task/${task}/status`, 'utf8'),
      )
      return [...BigInt(`0x${mask.replaceAll(',', '')}`).toString(2)].filter(bit => bit === '1').length
    }
    const binding = start(file)
    const inputs = batch(LARGE)
    const own = cores(process.pid)
    for (let i = 0; i < 3; i++) {
      check(run(binding, inputs) === inputs.sum, 'wrong sum')
      await wait(20)
    }
    check(cores(process.pid) === own, 'the caller lost a core')
    const kept = readdirSync('/proc/self/task').filter(task => cores(task) === own - 1)
    check(own === 1 || kept.length > 0, 'no helper was kept off a core')
  },

  'idleness after use': async file => {
    const binding = start(file)
    const inputs = batch(LARGE)
    for (let i = 0; i < 5; i++) {
      run(binding, inputs)
      await runAsync(binding, inputs)
    }
    await wait(200)
    const before = process.cpuUsage()
    await wait(500)
    const { user, system } = process.cpuUsage(before)
    // 500 ms on one spinning thread would be 500 000 µs.
    check(user + system < 25_000, `${user + system} µs of processor time in 500 ms of idleness`)
  },
}

const workerRoles = {
  work: async binding => {
    const inputs = batch(300_000)
    for (let i = 0; i < 10; i++) {
      check(run(binding, inputs) === inputs.sum, 'wrong sum')
      check(
        (await runAsync(binding, inputs, new Float32Array(300_000))) === inputs.sum,
        'wrong asynchronous sum',
      )
    }
  },
  endless: async binding => {
    const inputs = batch(1_000_000)
    const grad = new Float32Array(1_000_000)
    for (let first = true; ; first = false) {
      const pending = Promise.all([runAsync(binding, inputs, grad), runAsync(binding, inputs)])
      if (first) parentPort.postMessage('started')
      await pending
      run(binding, inputs)
    }
  },
  exit: async binding => {
    const inputs = batch(1_000_000)
    for (let i = 0; i < 6; i++) runAsync(binding, inputs, new Float32Array(1_000_000))
    await wait(1)
    process.exit(0)
  },
}

if (isMainThread) {
  const [, , name, file] = process.argv
  await scenarios[name](file)
} else {
  await workerRoles[workerData.role](start(workerData.file))
}
