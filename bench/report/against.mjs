import { readFileSync } from 'node:fs'
import { find } from './find.mjs'
import { duration, none, percent } from './format.mjs'

/**
 * This run of losskit against an earlier one. Shares of the machine are compared too: they stay the same where the machine as
 * a whole was slower.
 *
 * @typedef {import('../run-case.mjs').CaseResult} CaseResult
 */

/** @param {CaseResult[]} results @param {string} path @returns {import('./tables.mjs').Sheet} */
export function against(results, path) {
  const earlier = JSON.parse(readFileSync(path, 'utf8'))
  const known = new Map([...earlier.cases, ...earlier.smallCalls].map(result => [result.name, result]))
  const rows = results.flatMap(result => {
    const before = known.get(result.name)
    return before ? result.results.flatMap(({ contender }) => compared(result, before, contender)) : []
  })
  return {
    title: `Against ${earlier.date.slice(0, 10)}, ${earlier.mode} run`,
    note: 'Change of the median; in brackets what lies within the spread of both. Of machine: the share of its speed, before and now.',
    head: ['case', 'way', 'before', 'now', 'change', 'of machine'],
    rows,
  }
}

/** @param {CaseResult} result @param {CaseResult} before @param {string} way @returns {string[][]} */
function compared(result, before, way) {
  const [now, then] = [find(result, way)?.ns, find(before, way)?.ns]
  if (!now || !then || !isOwn(way)) return []
  const change = now.median / then.median - 1
  const text = `${change < 0 ? '−' : '+'}${percent(Math.abs(change))}`
  const isNoise = Math.abs(now.median - then.median) <= 2 * (now.mad + then.mad)
  const share = (machine, ns) => (machine ? percent(machine.ns.median / ns.median) : none)
  const shares = way === 'losskit' ? `${share(before.machine, then)} → ${share(result.machine, now)}` : none
  return [
    [result.name, way, duration(then.median), duration(now.median), isNoise ? `(${text})` : text, shares],
  ]
}

/** @param {string} way */
const isOwn = way => way.startsWith('losskit') || way.startsWith('call') || ['bound', 'async'].includes(way)
