import { createRequire } from 'node:module'

/** Vega-Lite, which is among the peers so that the package itself stays small, and how its pictures look here. */

const peers = createRequire(new URL('../peers/package.json', import.meta.url))

/** Such that the colour-blind can tell them, and losskit's the darkest; in the order of legends. */
export const colours = {
  losskit: '#0b4f9c',
  'losskit, 1 thread': '#56a3e8',
  PyTorch: '#d5542b',
  onnxruntime: '#2a9d6f',
  NumPy: '#c9a227',
  SimSIMD: '#8f5bb5',
  'tfjs-wasm': '#d98fb6',
  JavaScript: '#a87b5a',
}

const config = {
  background: 'white',
  padding: 14,
  font: 'system-ui, "Segoe UI", Helvetica, Arial, sans-serif',
  title: { anchor: 'start', fontSize: 15, fontWeight: 600, offset: 14 },
  header: { labelFontSize: 12, labelFontWeight: 600, labelAnchor: 'start', labelPadding: 6 },
  legend: {
    title: null,
    orient: 'bottom',
    symbolStrokeWidth: 3,
    labelFontSize: 12,
    labelLimit: 0,
    columnPadding: 22,
    offset: 44,
  },
  view: { stroke: '#d0d0d0' },
  axis: {
    gridColor: '#ececec',
    domainColor: '#b0b0b0',
    tickColor: '#b0b0b0',
    labelColor: '#444',
    titleColor: '#444',
    titleFontWeight: 'normal',
  },
}

/** @param {object} specification of Vega-Lite @returns {Promise<string>} */
export async function toSvg(specification) {
  const { compile } = await import(peers.resolve('vega-lite'))
  const vega = await import(peers.resolve('vega'))
  const { spec } = compile(specification, { config })
  return new vega.View(vega.parse(spec), { renderer: 'none' }).toSVG()
}
