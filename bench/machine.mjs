import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'
import { measure } from './rounds.mjs'
import { summarise } from './stats.mjs'

/**
 * The machine: what it is, and how fast it moves bytes.
 *
 * @typedef {{ level: number, kind: string, bytes: number }} Cache
 * @typedef {{ threads: number, streams: number, streaming: boolean }} Plan
 * @typedef {{ first: ArrayBufferView, second?: ArrayBufferView, out?: ArrayBufferView }} Arrays walked side by side
 * @typedef {object} Probe the addon of ./machine; all times are nanoseconds
 * @property {(sets: Arrays[][], plan: Plan, first: number, repeat: number) => number} move
 * @property {(sets: Arrays[][], threads: number, first: number, repeat: number) => { ns: number, sum: number }} plainSum
 * @property {(type: 'float32' | 'float64', threads: number, flop: number, repeat: number) => number} multiply
 * @property {string} isa
 * @property {string} compiler
 */

/** @param {string} path @returns {Probe} */
export const loadProbe = path => createRequire(import.meta.url)(path)

/** Caches that the first core can reach, as Linux tells them. @returns {Cache[]} */
function readCaches() {
  const folder = '/sys/devices/system/cpu/cpu0/cache'
  const read = (index, name) => readFileSync(`${folder}/${index}/${name}`, 'utf8').trim()
  const units = { K: 2 ** 10, M: 2 ** 20 }
  try {
    return readdirSync(folder)
      .filter(name => name.startsWith('index'))
      .map(index => {
        const [, count, unit] = /^(\d+)([KM]?)$/.exec(read(index, 'size')) ?? []
        return { level: +read(index, 'level'), kind: read(index, 'type'), bytes: +count * (units[unit] ?? 1) }
      })
      .filter(cache => cache.kind !== 'Instruction')
  } catch {
    return []
  }
}

/** @param {Probe | undefined} probe */
export function describe(probe) {
  const model = cpus()[0]?.model.trim().replace(/\s+/g, ' ') ?? 'unknown'
  return {
    cpu: model,
    threads: availableParallelism(),
    caches: readCaches(),
    memoryBytes: totalmem(),
    os: `${type()} ${release()}`,
    node: process.version,
    compiler: probe?.compiler ?? 'unknown',
    probe: probe?.isa ?? 'none',
    loadBefore: loadavg()[0],
  }
}

/** @param {Cache[]} caches @returns {number} bytes; a common size where the machine does not tell */
export const lastCache = caches => Math.max(0, ...caches.map(cache => cache.bytes)) || 32 * 2 ** 20

/** Where so many bytes live. @param {Cache[]} caches @param {number} bytes */
export function place(caches, bytes) {
  const home = [...caches].sort((a, b) => a.bytes - b.bytes).find(cache => bytes <= cache.bytes)
  return home ? `L${home.level}` : 'memory'
}

/** Every way of moving the bytes that may turn out the fastest. @param {boolean} writes @returns {Plan[]} */
function plans(writes) {
  const all = []
  for (const threads of new Set([1, availableParallelism()]))
    for (const streams of [1, 4])
      for (const streaming of writes ? [false, true] : [false]) all.push({ threads, streams, streaming })
  return all
}

/** @param {Plan} plan */
const planName = ({ threads, streams, streaming }) =>
  [
    threads === 1 ? '1 thread' : `${threads} threads`,
    streams === 1 ? 'front to back' : `${streams} places at once`,
    ...(streaming ? ['streaming stores'] : []),
  ].join(', ')

/** Rounds to tell the good plans from the others. */
const scout = { sampleMs: 1, settleMs: 1, minRounds: 2, maxRounds: 2, budgetMs: 1, rarest: 1 }

/**
 * The runners that move the same bytes as a case, over the same arrays, with nothing computed: for each number of threads the
 * two plans that look best.
 *
 * @param {Probe} probe
 * @param {Arrays[][]} sets
 */
export async function transferRunners(probe, sets) {
  const runners = plans(sets[0].some(({ out }) => out !== undefined)).map(plan => ({
    name: planName(plan),
    threads: plan.threads,
    plan,
    sample: (first, repeat) => probe.move(sets, plan, first, repeat),
  }))
  const seen = await measure(runners, sets.length, scout)
  const ranked = runners
    .map((runner, i) => ({ runner, ns: Math.min(...seen[i].ns) }))
    .sort((a, b) => a.ns - b.ns)
    .map(({ runner }) => runner)
  return [...new Set(runners.map(({ threads }) => threads))].flatMap(count =>
    ranked.filter(({ threads }) => threads === count).slice(0, 2),
  )
}

/** The runners that do as many multiplications and additions. @param {Probe} probe @param {number} flop */
export const peakRunners = (probe, flop) =>
  [...new Set([1, availableParallelism()])].map(threads => ({
    name: `float32 peak, ${threads === 1 ? '1 thread' : `${threads} threads`}`,
    threads,
    sample: (_, repeat) => probe.multiply('float32', threads, flop, repeat),
  }))

/** Footprints of the machine's own table. */
const footprints = [16 * 2 ** 10, 512 * 2 ** 10, 8 * 2 ** 20, 256 * 2 ** 20]

/**
 * How fast the machine reads, copies and updates in place, by footprint and number of threads; and its arithmetic.
 *
 * @param {Probe} probe
 * @param {Cache[]} caches
 * @param {import('./rounds.mjs').Pace} pace
 */
export async function machineSpeed(probe, caches, pace) {
  const memory = []
  for (const bytes of footprints) {
    const whole = new Float32Array(bytes / 4).fill(1)
    const halves = [whole.subarray(0, whole.length / 2), whole.subarray(whole.length / 2)]
    const kinds = {
      read: { first: whole },
      copy: { first: halves[0], out: halves[1] },
      'update in place': { first: whole, out: whole },
    }
    const runners = []
    for (const [kind, arrays] of Object.entries(kinds))
      for (const plan of plans('out' in arrays))
        runners.push({ kind, plan, sample: (first, repeat) => probe.move([[arrays]], plan, first, repeat) })
    const measured = await measure(runners, 1, pace)
    for (const [i, { kind, plan }] of runners.entries()) {
      const moved = kind === 'update in place' ? 2 * bytes : bytes
      const { median } = summarise(measured[i].ns)
      memory.push({ kind, bytes, place: place(caches, bytes), ...plan, gigabytesPerSecond: moved / median })
    }
  }
  return { memory, arithmetic: await peaks(probe, pace) }
}

/** @param {Probe} probe @param {import('./rounds.mjs').Pace} pace */
async function peaks(probe, pace) {
  const flop = 1e7
  const types = /** @type {const} */ (['float32', 'float64'])
  const runners = types.flatMap(type =>
    [...new Set([1, availableParallelism()])].map(threads => ({
      type,
      threads,
      sample: (_, repeat) => probe.multiply(type, threads, flop, repeat),
    })),
  )
  const measured = await measure(runners, 1, pace)
  return runners.map(({ type, threads }, i) => ({
    type,
    threads,
    gigaflops: flop / summarise(measured[i].ns).median,
  }))
}
