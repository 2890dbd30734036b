/**
 * Colours by their meaning. A drawing is made once, for light and dark: these values are only names in it, and the style of
 * the page says what each looks like.
 */
export const ink = {
  text: '#000001',
  quiet: '#000002',
  line: '#000003',
  accent: '#000004',
  soft: '#000005',
  warm: '#000006',
} as const

const font = 'system-ui, sans-serif'

/** How all drawings look: little ink that is not data. */
export const config = {
  background: 'transparent',
  font,
  padding: 4,
  view: { stroke: null },
  axis: {
    labelColor: ink.quiet,
    titleColor: ink.quiet,
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    gridColor: ink.line,
    domainColor: ink.line,
    tickColor: ink.line,
    labelFont: font,
    titleFont: font,
  },
  text: { font, fontSize: 12, fill: ink.quiet },
} as const
