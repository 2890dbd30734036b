import Table from 'cli-table3'

/**
 * Tables, once as data, shown on the terminal or as Markdown.
 *
 * @typedef {{ title: string, note?: string, head: string[], rows: string[][] }} Sheet
 * @typedef {import('./run-case.mjs').CaseResult} CaseResult
 */

const none = '–'

/** Three significant digits. @param {number} value */
const short = value => (value >= 100 ? value.toFixed(0) : value.toPrecision(3))

/** @param {number} ns */
export function duration(ns) {
  if (ns < 1e3) return `${short(ns)} ns`
  if (ns < 1e6) return `${short(ns / 1e3)} µs`
  if (ns < 1e9) return `${short(ns / 1e6)} ms`
  return `${short(ns / 1e9)} s`
}

/** @param {number} bytes */
export const size = bytes => (bytes < 2 ** 20 ? `${bytes / 2 ** 10} KiB` : `${bytes / 2 ** 20} MiB`)

/** @param {CaseResult} result @param {string} contender */
const find = (result, contender) => result.results.find(item => item.contender === contender)

/** @param {CaseResult} result @param {string} contender */
const median = (result, contender) => find(result, contender)?.ns?.median

/** @param {CaseResult[]} results @param {string[]} peers @returns {Sheet} */
export function summary(results, peers) {
  return {
    title: 'losskit',
    note: 'GB/s: inputs read once and gradients written once. Of machine: the time that the machine needs to move those bytes, through those arrays, with nothing computed. × peer: how many times as long the peer takes.',
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
      const own = ns
        ? [duration(ns), short(ns / result.elements), short(result.bytes / ns), ofMachine(result, ns)]
        : Array(4).fill(none)
      const ratios = peers.map(peer => {
        const other = median(result, peer)
        return ns && other ? short(other / ns) : (find(result, peer)?.status ?? none).replace('ok', none)
      })
      return [result.name, result.place, ...own, ...ratios]
    }),
  }
}

/** @param {CaseResult} result @param {number} ns */
const ofMachine = ({ machine }, ns) => (machine ? `${((100 * machine.ns.median) / ns).toFixed(0)} %` : none)

/** Median and spread of every contender. @param {CaseResult[]} results @param {string[]} contenders */
const spreads = (results, contenders) =>
  results.map(result =>
    contenders.map(name => (name === 'machine' ? machineSpread(result) : spread(find(result, name)))),
  )

/** @param {CaseResult} result */
const machineSpread = ({ machine }) => (machine ? spread({ ...machine, status: 'ok' }) : none)

/** @param {{ ns?: import('./stats.mjs').Summary, status: string } | undefined} found */
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
  rows: spreads(results, columns).map((cells, i) => [results[i].name, rounds(results[i]), ...cells]),
})

/** @param {CaseResult[]} results */
export const times = results =>
  timeSheet(
    'Time per call',
    'Median, ± median absolute deviation. Machine: the same bytes moved with nothing computed, the fastest way.',
    results,
    ['machine', ...namesIn(results, name => !name.startsWith('losskit,'))],
  )

/** @param {CaseResult[]} results */
export const ways = results =>
  timeSheet(
    'losskit in other ways, time per call',
    'New array: the gradient goes into an array made by the call.',
    results,
    namesIn(results, name => name.startsWith('losskit')),
  )

/** @param {CaseResult[]} results */
export const smallCalls = results =>
  timeSheet(
    'Small calls, time per call',
    'call, bound, async: losskit. Gradients go into arrays of the caller, but for "new array".',
    results,
    namesIn(results, () => true),
  )

/**
 * @param {{ kind: string, bytes: number, place: string, threads: number, streaming: boolean, streams: number, gigabytesPerSecond: number }[]} speeds
 * @returns {Sheet}
 */
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
    note: 'Read plus written bytes, the better of front to back and four places at once.',
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

/** @param {Sheet} sheet */
export function terminal({ title, note, head, rows }) {
  const table = new Table({
    head,
    style: { head: [], border: [], compact: true },
    colAligns: head.map((_, i) => (i === 0 ? 'left' : 'right')),
  })
  table.push(...rows)
  return `\n${title}\n${table}${note ? `\n${note}` : ''}`
}

/** @param {Sheet} sheet */
export function markdown({ title, note, head, rows }) {
  const line = cells => `| ${cells.join(' | ')} |`
  const rule = head.map((_, i) => (i === 0 ? '---' : '---:'))
  return [`## ${title}`, '', ...(note ? [note, ''] : []), line(head), line(rule), ...rows.map(line), ''].join(
    '\n',
  )
}

/** Whatever was left out, and why. @param {CaseResult[]} results */
export const leftOut = results =>
  results.flatMap(({ name, results: all }) =>
    all
      .filter(item => item.status !== 'ok')
      .map(item => `${name}, ${item.contender}: ${item.status}: ${item.reason}`),
  )
