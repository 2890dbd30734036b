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
 * @typedef {{ first: ArrayBufferView, second?: ArrayBufferView, out?: ArrayBufferView, side?: ArrayBufferView }} Arrays
 * @typedef {object} Probe the addon of ./machine
 * @property {(sets: Arrays[], plan: Plan, first: number, repeat: number) => number} measure
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
export const planName = ({ threads, streams, streaming }) =>
  [
    threads === 1 ? '1 thread' : `${threads} threads`,
    streams === 1 ? 'front to back' : `${streams} places at once`,
    ...(streaming ? ['streaming stores'] : []),
  ].join(', ')

/**
 * The runners that move the same bytes as a case, over the same arrays, with nothing computed.
 *
 * @param {Probe} probe
 * @param {Arrays[]} sets
 * @returns {(import('./rounds.mjs').Runner & { plan: Plan })[]}
 */
export const machineRunners = (probe, sets) =>
  plans(sets[0].out !== undefined).map(plan => ({
    name: planName(plan),
    plan,
    sample: (first, repeat) => probe.measure(sets, plan, first, repeat),
  }))

/** Footprints of the machine's own table. */
const footprints = [16 * 2 ** 10, 512 * 2 ** 10, 8 * 2 ** 20, 256 * 2 ** 20]

/**
 * How fast the machine reads, copies and updates in place, by footprint and number of threads.
 *
 * @param {Probe} probe
 * @param {Cache[]} caches
 * @param {import('./rounds.mjs').Pace} pace
 */
export async function machineSpeed(probe, caches, pace) {
  const table = []
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
      for (const runner of machineRunners(probe, [arrays])) runners.push({ ...runner, kind })
    const measured = await measure(runners, 1, pace)
    for (const [i, { kind, plan }] of runners.entries()) {
      const moved = kind === 'update in place' ? 2 * bytes : bytes
      const { median } = summarise(measured[i].ns)
      table.push({ kind, bytes, place: place(caches, bytes), ...plan, gigabytesPerSecond: moved / median })
    }
  }
  return table
}
