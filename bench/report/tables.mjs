import { find, median, ofMachine, ratio } from './find.mjs'
import { duration, none, percent, short, size } from './format.mjs'

/**
 * The results as tables, whatever they are shown on.
 *
 * @typedef {{ title: string, note?: string, head: string[], rows: string[][] }} Sheet
 * @typedef {import('../run-case.mjs').CaseResult} CaseResult
 */

/** @param {number | undefined} value @param {(value: number) => string} format */
const orNone = (value, format) => (value === undefined ? none : format(value))

/** @param {CaseResult[]} results @param {string[]} peers @returns {Sheet} */
export const summary = (results, peers) => ({
  title: 'losskit',
  note: 'GB/s: inputs read once and gradients written once. Of machine: the time that the machine needs to move those bytes, through those arrays, with nothing computed (for infoNce: to multiply and add as often) over the time of losskit. × peer: how many times as long the peer takes.',
  head: [
    'case',
    'data in',
    'per call',
    'ns/element',
    'GB/s',
    'of machine',
    ...peers.map(peer => `× ${peer}`),
  ],
  rows: results.map(result => {
    const ns = median(result, 'losskit')
    const own = [
      orNone(ns, duration),
      orNone(ns, ns => short(ns / result.elements)),
      orNone(ns, ns => short(result.bytes / ns)),
      orNone(ofMachine(result), percent),
    ]
    return [result.name, result.place, ...own, ...peers.map(peer => ratioOrStatus(result, peer))]
  }),
})

/** @param {CaseResult} result @param {string} peer */
const ratioOrStatus = (result, peer) =>
  orNone(ratio(result, peer), short).replace(none, find(result, peer)?.reason ? 'wrong' : none)

/** @param {{ ns?: import('../stats.mjs').Summary, status?: string } | undefined} found */
function spread(found) {
  if (!found?.ns) return found?.status ?? none
  return `${duration(found.ns.median)} ±${((100 * found.ns.mad) / found.ns.median).toFixed(0)} %`
}

/** @param {CaseResult[]} results @param {(name: string) => boolean} wanted */
const namesIn = (results, wanted) =>
  [...new Set(results.flatMap(({ results: all }) => all.map(({ contender }) => contender)))].filter(wanted)

/** @param {CaseResult} result */
const rounds = ({ results, machine }) =>
  String(Math.max(...results.map(({ ns }) => ns?.samples ?? 0), machine?.ns.samples ?? 0))

/** @param {string} title @param {string} note @param {CaseResult[]} results @param {string[]} columns @returns {Sheet} */
const timeSheet = (title, note, results, columns) => ({
  title,
  note,
  head: ['case', 'rounds', ...columns],
  rows: results.map(result => [
    result.name,
    rounds(result),
    ...columns.map(name => spread(name === 'machine' ? result.machine : find(result, name))),
  ]),
})

/** @param {string} name */
const isVariant = name => name.includes(',')

/** @param {CaseResult[]} results */
export const timesPerCall = results =>
  timeSheet(
    'Time per call',
    'Median, ± median absolute deviation. Machine: the same bytes moved with nothing computed, the fastest way.',
    results,
    ['machine', ...namesIn(results, name => !isVariant(name))],
  )

/** @param {CaseResult[]} results @returns {Sheet} */
export function ways(results) {
  const names = namesIn(results, name => name.startsWith('losskit,'))
  return {
    title: 'losskit in other ways',
    note: 'Times per call, and as a share of what the machine can do with one thread. New array: the gradient goes into an array made by the call.',
    head: ['case', 'losskit', ...names, '1 thread: of machine'],
    rows: results.map(result => [
      result.name,
      ...['losskit', ...names].map(name => spread(find(result, name))),
      orNone(ofMachine(result, 'losskit, 1 thread'), percent),
    ]),
  }
}

/** @param {CaseResult[]} results of mse @returns {Sheet} */
export const exactness = results => ({
  title: 'What exactness costs',
  note: 'mse: the exact sum against a plain one in float64, both on all threads, and both on one.',
  head: ['case', 'losskit', 'plain sum', 'cost', '1 thread', 'plain sum, 1 thread', 'cost'],
  rows: results
    .filter(result => find(result, 'plain sum'))
    .map(result => [
      result.name,
      ...['losskit', 'plain sum'].map(name => spread(find(result, name))),
      cost(ratio(result, 'losskit', 'plain sum')),
      ...['losskit, 1 thread', 'plain sum, 1 thread'].map(name => spread(find(result, name))),
      cost(ratio(result, 'losskit, 1 thread', 'plain sum, 1 thread')),
    ]),
})

/** @param {number | undefined} ratio */
const cost = ratio => orNone(ratio, ratio => `${ratio < 1 ? '−' : '+'}${percent(Math.abs(ratio - 1))}`)

/** @param {CaseResult[]} results */
export const smallCalls = results =>
  timeSheet(
    'Small calls, time per call',
    'call, bound, async: losskit. Gradients go into arrays of the caller, but for "new array".',
    results,
    namesIn(results, () => true),
  )

/** @param {Awaited<ReturnType<typeof import('../machine.mjs').machineSpeed>>['memory']} speeds @returns {Sheet} */
export function machineSheet(speeds) {
  const kinds = [
    ['read', false],
    ['copy', false],
    ['copy', true],
    ['update in place', false],
  ]
  const threads = [...new Set(speeds.map(item => item.threads))]
  const best = (bytes, kind, streaming, count) => {
    const fitting = speeds.filter(
      item =>
        item.bytes === bytes && item.kind === kind && item.streaming === streaming && item.threads === count,
    )
    return Math.max(...fitting.map(item => item.gigabytesPerSecond))
  }
  return {
    title: 'The machine, GB/s',
    note: 'Read plus written bytes, the better of front to back and four places at once. Streaming: stores that go around the caches.',
    head: [
      'footprint',
      'in',
      ...threads.flatMap(count =>
        kinds.map(([kind, streaming]) => `${kind}${streaming ? ', streaming' : ''} (${count})`),
      ),
    ],
    rows: [...new Set(speeds.map(item => item.bytes))].map(bytes => [
      size(bytes),
      speeds.find(item => item.bytes === bytes)?.place ?? none,
      ...threads.flatMap(count =>
        kinds.map(([kind, streaming]) => short(best(bytes, kind, streaming, count))),
      ),
    ]),
  }
}

/** Whatever was wrong or went wrong, and why. @param {CaseResult[]} results */
export const leftOut = results =>
  results.flatMap(({ name, results: all }) =>
    all
      .filter(item => item.status !== 'ok')
      .map(item => `${name}, ${item.contender}: ${item.status}: ${item.reason}`),
  )

/** @param {{ type: string, threads: number, gigaflops: number }[]} peaks @returns {Sheet} */
export const peaksSheet = peaks => ({
  title: "The machine's arithmetic, GFLOP/s",
  note: 'Independent chains of multiply-add in its widest vectors, a multiply-add being two operations.',
  head: ['type', ...new Set(peaks.map(({ threads }) => `${threads} thread${threads === 1 ? '' : 's'}`))],
  rows: [...new Set(peaks.map(({ type }) => type))].map(name => [
    name,
    ...peaks.filter(({ type }) => type === name).map(({ gigaflops }) => short(gigaflops)),
  ]),
})
