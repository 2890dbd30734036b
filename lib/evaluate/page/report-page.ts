import type { Report } from '../report.ts'
import type { About } from './about.ts'
import { loadDraw } from './draw.ts'
import { renderPage } from './page.ts'

/**
 * A report as one page of HTML that loads nothing. It shows what there is: ask for `quantiles`, `worst` and `classification`
 * in the plan. Needs the packages vega and vega-lite.
 */
export async function reportPage(report: Report, about: About): Promise<string> {
  return renderPage(report, about, await loadDraw())
}
