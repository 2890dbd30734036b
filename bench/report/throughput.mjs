import { colours, toSvg } from './vega.mjs'

/**
 * Throughput against size, a panel for each loss and form, with the machine's own speed drawn as the limit.
 *
 * @typedef {import('../run-case.mjs').CaseResult} CaseResult
 */

const limit = 'the machine, nothing computed'
const series = { [limit]: '#8a8a8a', ...colours }

/** Enough to see a course. */
const fewestSizes = 3

/** @param {CaseResult[]} results */
function points(results) {
  const panels = [...new Set(results.map(panelOf))]
  return panels
    .map(panel => results.filter(result => panelOf(result) === panel))
    .filter(cases => new Set(cases.map(({ elements }) => elements)).size >= fewestSizes)
    .flatMap(cases => cases.flatMap(pointsOf))
}

/** @param {CaseResult} result */
const panelOf = ({ loss, form }) => `${loss}, ${form.replace('+grad', ' and gradient')}`

/** @param {CaseResult} result */
function pointsOf(result) {
  const point = (contender, ns) => ({
    panel: panelOf(result),
    contender,
    elements: result.elements,
    speed: result.bytes / ns,
  })
  const own = result.results.filter(({ contender, ns }) => ns && contender in series)
  return [
    ...(result.machine && !result.flop ? [point(limit, result.machine.ns.median)] : []),
    ...own.map(({ contender, ns }) => point(contender, ns.median)),
  ]
}

/** @param {ReturnType<typeof points>} values @param {string} title */
function specification(values, title) {
  const present = Object.keys(series).filter(name => values.some(({ contender }) => contender === name))
  const panels = [...new Set(values.map(({ panel }) => panel))]
  const isLimit = { condition: { test: `datum.contender === '${limit}'`, value: [5, 3] }, value: [1, 0] }
  const isOwn = `datum.contender === 'losskit' || datum.contender === '${limit}'`
  return {
    title,
    data: { values },
    facet: { field: 'panel', type: 'nominal', sort: panels, title: null },
    columns: Math.min(3, panels.length),
    spacing: { row: 74, column: 80 },
    bounds: 'flush',
    resolve: { axis: { x: 'independent', y: 'independent' } },
    spec: {
      width: 250,
      height: 190,
      layer: [
        {
          mark: { type: 'line', interpolate: 'linear', strokeJoin: 'round' },
          encoding: {
            strokeDash: isLimit,
            strokeWidth: { condition: { test: isOwn, value: 2.4 }, value: 1.2 },
          },
        },
        {
          transform: [{ filter: `datum.contender !== '${limit}'` }],
          mark: { type: 'point', filled: true, opacity: 1 },
          encoding: { size: { condition: { test: "datum.contender === 'losskit'", value: 42 }, value: 16 } },
        },
      ],
      encoding: {
        x: {
          field: 'elements',
          type: 'quantitative',
          scale: { type: 'log', base: 2, nice: false },
          axis: { title: 'elements', labelExpr: "'2^' + round(log(datum.value) / LN2)", tickCount: 7 },
        },
        y: {
          field: 'speed',
          type: 'quantitative',
          scale: { type: 'log' },
          axis: { title: 'GB/s', format: '~g', tickCount: 5 },
        },
        color: {
          field: 'contender',
          type: 'nominal',
          scale: { domain: present, range: present.map(name => series[name]) },
          legend: { columns: 5, symbolType: 'stroke' },
        },
      },
    },
  }
}

/** @param {CaseResult[]} results @param {string} machine @returns {Promise<string | undefined>} where there is a course to show */
export async function throughput(results, machine) {
  const values = points(results.filter(({ dtype }) => dtype === 'float32'))
  return values.length > 0 ? toSvg(specification(values, `Throughput against size: ${machine}`)) : undefined
}
