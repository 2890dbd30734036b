/**
 * Losses on a CUDA device, beside PyTorch, torch.compile and Liger-Kernel in the same rounds, and the speed at which the device
 * copies. Without a device it says why it does nothing.
 */

import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { cuda } from 'losskit'
import { startPython } from '../contenders/python.mjs'
import { describe } from '../machine.mjs'
import { machineLine, resultName, write } from '../report/save.mjs'
import { terminal } from '../report/show.mjs'
import { measure } from '../rounds.mjs'
import { summarise } from '../stats.mjs'
import { cases, tinyCases } from './cases.mjs'
import { prepare } from './losskit.mjs'
import { comparison, products, smallCalls, times } from './tables.mjs'

const help = `npm run bench:cuda -- [options]

  --only <regexp>  only cases whose name matches; nothing is written then, but with --save
  --within <s>     begin no case after so many seconds: the rest is left out
  --each <s>       seconds for a case; 4 if not given
  --without-peers  losskit alone
  --save           write into bench/results even of some cases
  --no-save        write nothing into bench/results
  --emulated       try out this program on the emulated device: tiny cases, whose times say nothing; nothing is written`

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    within: { type: 'string', default: 'Infinity' },
    each: { type: 'string', default: '4' },
    save: { type: 'boolean', default: false },
    'without-peers': { type: 'boolean', default: false },
    'no-save': { type: 'boolean', default: false },
    emulated: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  console.log(help)
  process.exit()
}

/** @param {string} name */
const path = name => fileURLToPath(new URL(name, import.meta.url))
if (options.emulated) {
  process.env.LOSSKIT_CUDA_LIBRARY = path('../../build/Release/liblosskit_cuda_emulated.so')
  process.env.LOSSKIT_CUBLASLT_LIBRARY = process.env.LOSSKIT_CUDA_LIBRARY
  process.env.LOSSKIT_LIBCUDA = path('../../build/Release/libcuda_emulated.so')
}

const status = cuda.status()
if (status.state !== 'available') {
  console.log(
    `Nothing is measured, as there is no CUDA device to measure: ${status.state}. ${status.message}\n` +
      '`npm run bench:cuda -- --emulated` tries this program out without one.',
  )
  process.exit()
}
const gpu = cuda.device(0)
if (gpu.name.startsWith('Emulated') && !options.emulated) {
  console.log(
    'Nothing is measured, as the device is emulated: its times say nothing. --emulated tries this program out.',
  )
  process.exit()
}

const began = performance.now()
const seconds = () => (performance.now() - began) / 1000
/** Progress goes where it is not in the way of the tables. @param {string} text */
const say = text => process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`)
/** What could not be measured and why, by the cases. @type {Map<string, string[]>} */
const missing = new Map()
/** @param {string} what @param {string} [name] of a case */
const leaveOut = (what, name) => missing.set(what, [...(missing.get(what) ?? []), ...(name ? [name] : [])])

/** @type {import('../rounds.mjs').Pace} */
const pace = options.emulated
  ? { sampleMs: 1, settleMs: 0, minRounds: 2, maxRounds: 2, budgetMs: 10, rarest: 1 }
  : {
      sampleMs: 30,
      settleMs: 5,
      minRounds: 9,
      maxRounds: 31,
      budgetMs: 1000 * Number(options.each),
      rarest: 2,
    }
/** Larger together than any cache of a device. */
const apart = options.emulated ? 2 ** 14 : 512 * 2 ** 20
const mostSets = 64

function copySpeed() {
  const [bytes, count] = options.emulated ? [2 ** 16, 3] : [2 ** 30, 15]
  const python = process.env.LOSSKIT_BENCH_PYTHON ?? 'python3'
  const args = ['-B', path('device_copy.py'), gpu.uuid, String(bytes), String(count)]
  const told = JSON.parse(execFileSync(python, args, { encoding: 'utf8' }))
  const ns = summarise(told.ns)
  return { ns, bytes: told.bytes, gigabytesPerSecond: told.bytes / ns.median }
}

/** @template T @param {string} what @param {() => T} attempt @returns {Promise<Awaited<T> | undefined>} */
async function orLeaveOut(what, attempt) {
  try {
    return await attempt()
  } catch (error) {
    leaveOut(`${what}: ${error.message.trim().split('\n').at(-1)}`)
  }
}

const peers = options['without-peers']
  ? undefined
  : await orLeaveOut('PyTorch, torch.compile, Liger-Kernel', () =>
      startPython(path('peers.py'), [options.emulated ? 'cpu' : `cuda:${gpu.index}`]),
    )

/** @param {import('./cases.mjs').Case} item @param {number} sets @returns {Promise<import('../rounds.mjs').Runner[]>} */
async function peerRunners(item, sets) {
  if (peers === undefined) return []
  const { name, loss, dtype, form, rows, columns, classes } = item
  const { ways, reasons } = await peers.ask({
    do: 'prepare',
    case: { loss, dtype, form, rows, columns, classes, sets },
  })
  for (const [way, why] of Object.entries(reasons)) leaveOut(`${way}: ${why}`, name)
  return ways.map(way => ({
    name: way,
    sample: async (first, repeat) => (await peers.ask({ do: 'sample', way, first, repeat })).ns,
  }))
}

/** @param {import('./cases.mjs').Case} item */
async function run(item) {
  const sets = Math.min(mostSets, Math.max(1, Math.ceil(apart / item.bytes)))
  const { runners, value, dispose } = await prepare(gpu, item, sets)
  try {
    const others = (await orLeaveOut(`peers in ${item.name}`, () => peerRunners(item, sets))) ?? []
    const measured = await measure([...runners, ...others], sets, pace)
    const results = measured.map(({ name, ns }) => ({ contender: name, ns: summarise(ns) }))
    return { ...item, sets, value, results }
  } finally {
    dispose()
    await peers?.ask({ do: 'dispose' })
  }
}

const copy = await orLeaveOut('the speed of copies', copySpeed)
const chosen = (options.emulated ? tinyCases() : cases()).filter(({ name }) =>
  new RegExp(options.only).test(name),
)
const results = []
for (const [i, item] of chosen.entries()) {
  if (seconds() > Number(options.within)) {
    leaveOut('no time was left', item.name)
    continue
  }
  say(`${i + 1}/${chosen.length} ${item.name}`)
  const result = await orLeaveOut(item.name, () => run(item))
  if (result !== undefined) results.push(result)
}
peers?.end()
if (process.stderr.isTTY) say('')

const leftOut = [...missing].map(([what, names]) =>
  names.length === 0 ? what : `${what} (${names.length === 1 ? names[0] : `${names.length} cases`})`,
)
const sheets = [comparison(results, copy), products(results), times(results), smallCalls(results)].filter(
  ({ rows }) => rows.length > 0,
)
const facts = [
  `# ${options.emulated ? 'NO benchmark: an emulated device, whose times say nothing' : 'Benchmark on a GPU'}`,
  '',
  `${gpu.name}, compute capability ${gpu.computeCapability}, ${gpu.processors} processors; driver for CUDA ${status.driver}; copies ` +
    `${copy === undefined ? 'at an unknown speed' : `${copy.gigabytesPerSecond.toFixed(0)} GB/s`}, read plus written.`,
  '',
  machineLine(describe(undefined)),
  '',
  ...(peers === undefined ? [] : [`- PyTorch ${peers.hello.version} on ${peers.hello.device}`]),
  ...leftOut.map(line => `- left out: ${line}`),
  '',
]
console.log(facts.join('\n'))
for (const sheet of sheets) console.log(terminal(sheet))
console.log(`\n${seconds().toFixed(0)} s`)

const saves = options.save || (options.only === '' && !options['no-save'])
if (saves && !options.emulated && results.length > 0) {
  const date = new Date().toISOString()
  const { name, uuid, computeCapability, processors } = gpu
  const device = { name, uuid, computeCapability, processors, driver: status.driver }
  const report = {
    date,
    device,
    machine: describe(undefined),
    copy,
    peers: peers?.hello,
    leftOut,
    cases: results,
  }
  console.log(`written: ${write(resultName(date, name, '-cuda'), report, facts, sheets)}.md`)
}
process.exit(results.length === chosen.length ? 0 : 1)
