import { basename } from 'node:path'
import type { LossReport, Report } from '../report.ts'
import type { About } from './about.ts'
import type { Draw } from './draw.ts'
import { Html, html } from './html.ts'
import { bytes, whole } from './numbers.ts'
import {
  classificationSection,
  distributionSection,
  groupSection,
  headline,
  lossTitle,
  worstSection,
} from './sections.ts'
import { style } from './style.ts'

/** A report as one page of HTML that loads nothing: numbers first, then how they come about, then what the run was. */
export async function renderPage(report: Report, about: About, draw: Draw): Promise<string> {
  const sections: Html[] = []
  for (const loss of report.losses) sections.push(await lossSection(loss, report, about, draw))
  const title = titleOf(about)
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="generator" content="losskit ${about.losskit}">
<title>${title}</title>
<style>${new Html(style)}</style>
</head>
<body><main>
<header><h1>${title}</h1>
<p class="quiet">${whole(report.rows)} rows, evaluated on ${about.date.toISOString().slice(0, 10)}</p>
<dl class="numbers">${report.losses.map(loss => headline(lossTitle(loss), loss.value, meaning(loss)))}</dl></header>
${sections}
${runSection(report, about)}
</main></body>
</html>
`
  return page.text
}

function titleOf({ files, inputs }: About): string {
  const names = files.map(({ name }) => basename(name))
  const sql = inputs.sql === undefined ? undefined : 'a query'
  return `Losses of ${names.slice(0, 3).join(', ') || (sql ?? 'standard input')}${names.length > 3 ? ', …' : ''}`
}

function meaning({ options, count }: LossReport): string {
  return `${options.reduction === 'sum' ? 'sum' : 'mean'} of ${whole(count)}`
}

async function lossSection(loss: LossReport, { losses }: Report, { plan }: About, draw: Draw): Promise<Html> {
  const parts = [
    await distributionSection(loss, draw),
    plan.by === undefined ? undefined : await groupSection(loss, plan.by, draw),
    await classificationSection(loss, losses, draw),
    worstSection(loss.worst, plan.by),
  ]
  if (parts.every(part => part === undefined)) return html``
  return html`<section><h2>${lossTitle(loss)}</h2>${parts}</section>`
}

/** What it takes to do the same again, and to know it for the same. */
function runSection({ fingerprint, rows }: Report, about: About): Html {
  const { files, inputs, plan, losskit, isa, node, date } = about
  const read = Object.entries(inputs).filter(([name, value]) => name !== 'file' && value !== undefined)
  const line = (name: string, value: Html | string): Html => html`<dt>${name}</dt><dd>${value}</dd>`
  return html`<section><h2>The run</h2>
<dl class="run">
${files.map(({ name, size, sha256 }) =>
  line(
    'file',
    html`${name}<br><span class="quiet">${bytes(size)}, SHA-256 of size and ends <code>${sha256}</code></span>`,
  ),
)}
${read.map(([name, value]) => line(name, String(value)))}
${line('rows', whole(rows))}
${line('losses', plan.losses.map(({ loss, options = {} }) => (Object.keys(options).length === 0 ? loss : `${loss} ${JSON.stringify(options)}`)).join(', '))}
${line('reduction', plan.reduction ?? 'mean')}
${line('fingerprint', html`<code>${fingerprint}</code><br><span class="quiet">of the exact sums: the same rows give the same, in any order and cut into any parts</span>`)}
${line('computed by', `losskit ${losskit} on ${isa}, Node.js ${node}`)}
${line('date', date.toISOString())}
</dl></section>`
}
