import type { TopLevelSpec } from 'vega-lite'
import { peer } from '../evaluate/peer.ts'
import type { Point } from './curves.ts'

export interface Picture {
  readonly title: string
  readonly yTitle: string
  readonly lines: readonly { readonly name: string; readonly points: readonly Point[] }[]
}

const font = 'system-ui, "Segoe UI", Helvetica, Arial, sans-serif'

const config = {
  background: 'white',
  font,
  padding: 16,
  title: { anchor: 'start', fontSize: 15, fontWeight: 600, offset: 12 },
  legend: { title: null, labelFontSize: 12, labelLimit: 0, symbolStrokeWidth: 2.5 },
  view: { stroke: null },
  axis: {
    gridColor: '#ececec',
    domainColor: '#b0b0b0',
    tickColor: '#b0b0b0',
    labelColor: '#444',
    titleColor: '#444',
  },
} as const

/** Lines over each other, as SVG, by Vega-Lite and without a browser. */
export async function drawSvg({ title, yTitle, lines }: Picture): Promise<string> {
  const [vega, vegaLite] = await Promise.all([
    peer<typeof import('vega')>('vega', 'Pictures of losses'),
    peer<typeof import('vega-lite')>('vega-lite', 'Pictures of losses'),
  ])
  const names = lines.map(({ name }) => name)
  const specification: TopLevelSpec = {
    title,
    width: 560,
    height: 340,
    data: { values: lines.flatMap(({ name, points }) => points.map(point => ({ ...point, name }))) },
    mark: { type: 'line', strokeWidth: 2.5, clip: true },
    encoding: {
      x: { field: 'x', type: 'quantitative', title: 'prediction' },
      y: { field: 'y', type: 'quantitative', title: yTitle },
      color: {
        field: 'name',
        type: 'nominal',
        scale: { domain: names, scheme: 'tableau10' },
        ...(lines.length === 1 ? { legend: null } : {}),
      },
    },
    config,
  }
  const { spec } = vegaLite.compile(specification)
  return new vega.View(vega.parse(spec), { renderer: 'none' }).toSVG()
}
