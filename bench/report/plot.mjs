import { createRequire } from 'node:module'

/**
 * Throughput against size as an SVG, a panel for each loss and form, with the machine's own speed drawn as the limit; by
 * Vega-Lite, which is among the peers so that the package itself stays small.
 *
 * @typedef {import('../run-case.mjs').CaseResult} CaseResult
 */

const peers = createRequire(new URL('../peers/package.json', import.meta.url))

/** In the order of the legend; colours that the colour-blind can tell, and losskit the darkest. */
const series = {
  'the machine, nothing computed': '#8a8a8a',
  losskit: '#0b4f9c',
  'losskit, 1 thread': '#56a3e8',
  PyTorch: '#d5542b',
  onnxruntime: '#2a9d6f',
  NumPy: '#c9a227',
  SimSIMD: '#8f5bb5',
  'tfjs-wasm': '#d98fb6',
  JavaScript: '#a87b5a',
}
const [limit] = Object.keys(series)

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
    background: 'white',
    padding: 14,
    title: { text: title, anchor: 'start', fontSize: 15, fontWeight: 600, offset: 14 },
    data: { values },
    facet: {
      field: 'panel',
      type: 'nominal',
      sort: panels,
      title: null,
      header: { labelFontSize: 12, labelFontWeight: 600, labelAnchor: 'start', labelPadding: 6 },
    },
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
          legend: {
            title: null,
            orient: 'bottom',
            columns: 5,
            symbolType: 'stroke',
            symbolStrokeWidth: 3,
            labelFontSize: 12,
            labelLimit: 0,
            columnPadding: 22,
            offset: 44,
          },
        },
      },
    },
    config: {
      font: 'system-ui, "Segoe UI", Helvetica, Arial, sans-serif',
      view: { stroke: '#d0d0d0' },
      axis: {
        gridColor: '#ececec',
        domainColor: '#b0b0b0',
        tickColor: '#b0b0b0',
        labelColor: '#444',
        titleColor: '#444',
        titleFontWeight: 'normal',
      },
    },
  }
}

/** @param {CaseResult[]} results @param {string} title @returns {Promise<string | undefined>} SVG, where there is a course to show */
export async function plot(results, title) {
  const values = points(results.filter(({ dtype }) => dtype === 'float32'))
  if (values.length === 0) return undefined
  const { compile } = await import(peers.resolve('vega-lite'))
  const vega = await import(peers.resolve('vega'))
  const { spec } = compile(specification(values, title))
  const view = new vega.View(vega.parse(spec), { renderer: 'none' })
  return view.toSVG()
}
