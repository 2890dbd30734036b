import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Interleaved rounds: in each, every runner gives one sample, so that whatever slows the machine for a while slows all.
 *
 * @typedef {object} Runner
 * @property {string} name
 * @property {(set: number) => number | Promise<number>} [call] one call on a set of data; gives the loss
 * @property {boolean} [async] whether `call` gives a promise
 * @property {(first: number, repeat: number) => number | Promise<number>} [sample] in place of `call`, for what is measured
 *   elsewhere: nanoseconds of `repeat` calls, over the sets in turn from `first`
 * @property {number} [expected] nanoseconds of a call, as far as is known
 * @property {() => void} [before] sets the scene for a sample, outside the timing
 * @property {() => void} [after] clears it away
 *
 * @typedef {object} Pace
 * @property {number} sampleMs
 * @property {number} settleMs of calls before a sample: a thread that was woken may share a core with its waker for so long
 * @property {number} minRounds
 * @property {number} maxRounds
 * @property {number} budgetMs of a case; the fewest rounds are made even so
 * @property {number} rarest the slowest runners take part in every so many-th round
 *
 * @typedef {{ name: string, ns: number[], repeat: number }} Measured nanoseconds per call, one for each sample
 */

/** Nanoseconds. */
const longCall = 50e6

/** Results end here, so that no call can be optimised away. */
export const sink = { sum: 0 }

/**
 * Times the calls of a runner in a loop of its own: in a shared one, V8 would stop inlining the call after a few runners, and
 * each call would cost nanoseconds that are not its own.
 *
 * @param {Runner} runner
 * @param {number} sets
 * @returns {(first: number, repeat: number) => number | Promise<number>}
 */
function callTimer({ call, async }, sets) {
  const loop = `
    let set = first % sets, sum = 0
    const start = performance.now()
    for (let i = 0; i < repeat; i++) {
      sum += ${async ? 'await ' : ''}call(set)
      if (++set === sets) set = 0
    }
    const spent = performance.now() - start
    sink.sum += sum
    return spent * 1e6`
  const make = new Function(
    'call',
    'sets',
    'sink',
    `return ${async ? 'async ' : ''}(first, repeat) => {${loop}}`,
  )
  return make(call, sets, sink)
}

/** Threads of the last runner may spin on for a while. Waits until this process is idle. */
async function quiet() {
  const patience = 40
  for (let i = 0; i < patience; i++) {
    const before = process.cpuUsage()
    await sleep(3)
    const { user, system } = process.cpuUsage(before)
    if (user + system < 600) return
  }
}

/**
 * @param {Runner[]} runners
 * @param {number} sets
 * @param {Pace} pace
 * @returns {Promise<Measured[]>}
 */
export async function measure(runners, sets, pace) {
  const entries = runners.map(runner => {
    const time = runner.sample ?? callTimer(runner, sets)
    /** @type {number[]} */
    const ns = []
    return { runner, time, repeat: 1, every: 1, next: 0, last: runner.expected ?? 0, ns }
  })

  /** @param {(typeof entries)[number]} entry */
  const one = async entry => {
    const { runner, repeat } = entry
    await quiet()
    runner.before?.()
    // The first calls of a sample find threads asleep and the caches full of the last runner's data. A long call pays for
    // that once itself.
    const settling = entry.last > 0 ? (pace.settleMs * 1e6) / entry.last : 0
    const warm = entry.last > longCall ? 0 : Math.ceil(Math.max(repeat / 4, settling))
    if (warm > 0) await entry.time(entry.next, warm)
    const ns = await entry.time(entry.next + warm, repeat)
    runner.after?.()
    entry.next += warm + repeat
    entry.last = ns / repeat
    return entry.last
  }

  // Warm-up: until the number of calls fills a sample, which also gives V8 and the peers time to optimise.
  for (const entry of entries) {
    for (;;) {
      const fitting = Math.max(1, Math.round((pace.sampleMs * 1e6) / (await one(entry))))
      if (fitting <= entry.repeat * 1.5) break
      entry.repeat = Math.min(fitting, entry.repeat * 10)
    }
    // Of long calls each one is precious, and the first as good as any.
    if (entry.last > longCall) entry.ns.push(entry.last)
    // A slow runner takes part in every second, third … round, so that it does not eat the others' time.
    const share = (pace.budgetMs * 1e6) / entries.length / pace.minRounds
    entry.every = Math.min(pace.rarest, Math.max(1, Math.round((entry.last * entry.repeat) / share)))
  }

  const start = performance.now()
  for (let round = 0; round < pace.maxRounds; round++) {
    if (round >= pace.minRounds && performance.now() - start > pace.budgetMs) break
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[(i + round) % entries.length]
      if (round % entry.every === entry.every - 1) entry.ns.push(await one(entry))
    }
  }
  return entries.map(({ runner, ns, repeat }) => ({ name: runner.name, ns, repeat }))
}
