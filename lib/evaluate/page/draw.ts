import type { TopLevelSpec } from 'vega-lite'
import { peer } from '../peer.ts'
import { Html, html } from './html.ts'
import { config } from './theme.ts'

/** A drawing for a given width, in pixels. */
export type Drawing = (width: number) => TopLevelSpec

export type Draw = (title: string, caption: string, drawing: Drawing) => Promise<Html>

/** Wide and narrow, so that letters keep their size on a phone. */
const widths = { wide: 690, narrow: 330 } as const

/** Loads what draws: Vega-Lite, as SVG and without a browser. */
export async function loadDraw(): Promise<Draw> {
  const [vega, vegaLite] = await Promise.all([
    peer<typeof import('vega')>('vega', 'Drawings of a report'),
    peer<typeof import('vega-lite')>('vega-lite', 'Drawings of a report'),
  ])
  return async (title, caption, drawing) => {
    const drawn = await Promise.all(
      Object.entries(widths).map(async ([name, width]) => {
        const { spec } = vegaLite.compile({ ...drawing(width), config })
        const svg = await new vega.View(vega.parse(spec), { renderer: 'none' }).toSVG()
        // To a reader of screens a drawing is one picture, whose numbers stand in a table beside it.
        const picture = svg.replace('<svg ', '<svg role="img" aria-hidden="true" ')
        return html`<div class="${name}">${new Html(picture)}</div>`
      }),
    )
    return html`<figure role="img" aria-label="${`${title}. ${caption}`}">${drawn}<figcaption>${caption}</figcaption></figure>`
  }
}
