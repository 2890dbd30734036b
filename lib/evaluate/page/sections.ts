import type { LossReport } from '../report.ts'
import type { ClassificationReport } from '../tally/classification.ts'
import type { GroupReport } from '../tally/group-sums.ts'
import type { WorstRow } from '../tally/worst-rows.ts'
import type { Draw } from './draw.ts'
import { distribution, groups, reliability } from './drawings.ts'
import { type Html, html } from './html.ts'
import { percent, rough, short, whole } from './numbers.ts'

/** More groups than this are no drawing any more, and more than that no table on a page. */
const drawnGroups = 20
const listedGroups = 500

export function lossTitle({ loss, options }: LossReport): Html {
  const given = Object.entries(options).map(([name, value]) => `${name} ${JSON.stringify(value)}`)
  return html`${loss}${given.length > 0 && html` <small>${shortened(given.join(', '))}</small>`}`
}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text
}

/** A number that should be seen first, with all of its digits below. */
export function headline(label: Html | string, value: number, more: string): Html {
  const isWhole = short(value).replaceAll(',', '') === String(value)
  return html`<div><dt>${label}</dt><dd class="value${Number.isFinite(value) ? '' : ' bad'}">${short(value)}</dd>
<dd class="exact">${!isWhole && html`${String(value)}<br>`}${more}</dd></div>`
}

export async function distributionSection(report: LossReport, draw: Draw): Promise<Html | undefined> {
  const { quantiles, histogram, value, options } = report
  if (quantiles === undefined || histogram === undefined) return undefined
  const { p50, p90, p99, p999, min, max, nan } = quantiles
  const cells = [
    ['smallest', min, short(min)],
    ['half below', p50, rough(p50)],
    ['90 % below', p90, rough(p90)],
    ['99 % below', p99, rough(p99)],
    ['99.9 % below', p999, rough(p999)],
    ['largest', max, short(max)],
  ] as const
  const mean = options.reduction === 'sum' ? [] : [{ name: `mean ${short(value)}`, value }]
  const marks = [
    ...mean,
    { name: `median ${rough(p50)}`, value: p50 },
    { name: `90 % ${rough(p90)}`, value: p90 },
  ]
  const end = histogram.at(-1)?.to ?? max
  const beyond = max > end * 1.001 ? ` The largest losses, up to ${short(max)}, lie to the right of it.` : ''
  return html`<h3>Losses of rows</h3>
${
  histogram.length > 1 &&
  (await draw(
    'Distribution of the losses of rows',
    `How many rows have which loss.${beyond}`,
    distribution(histogram, marks),
  ))
}
<dl class="numbers small">${cells.map(
    ([name, cell, text]) => html`<div><dt>${name}</dt><dd class="value" title="${cell}">${text}</dd></div>`,
  )}</dl>
${nan > 0 && html`<p class="bad">${whole(nan)} rows have NaN as their loss and are left out here.</p>`}`
}

export async function groupSection(report: LossReport, by: string, draw: Draw): Promise<Html | undefined> {
  const { groups: all, value } = report
  if (all === undefined) return undefined
  const finite = all.filter(group => Number.isFinite(group.value))
  const worst = [...finite].sort((a, b) => b.value - a.value).slice(0, drawnGroups)
  const which =
    worst.length < all.length
      ? `The ${worst.length} of ${whole(all.length)} groups with the largest loss.`
      : ''
  const line = report.options.reduction === 'sum' ? '' : ` The line is the loss of all rows, ${short(value)}.`
  return html`<h3>By ${by}</h3>
${worst.length > 0 && (await draw(`Loss by ${by}`, `${which}${line}`.trim(), groups(worst, line === '' ? undefined : value)))}
<details><summary>All groups as a table</summary><div class="scroll"><table>
<thead><tr><th scope="col">${by}</th><th scope="col" class="number">loss</th><th scope="col" class="number">count</th></tr></thead>
<tbody>${all.slice(0, listedGroups).map(groupRow)}</tbody></table></div>
${all.length > listedGroups && html`<p class="quiet">and ${whole(all.length - listedGroups)} more, which --json lists.</p>`}</details>`
}

function groupRow({ name, value, count }: GroupReport): Html {
  return html`<tr><th scope="row" class="any">${name}</th><td class="number" title="${value}">${short(value)}</td><td class="number">${whole(count)}</td></tr>`
}

export async function classificationSection(
  { loss, classification: found }: LossReport,
  others: readonly LossReport[],
  draw: Draw,
): Promise<Html | undefined> {
  if (found === undefined) return undefined
  // Several losses of the same predictions make the same classifier.
  const first = others.find(({ classification }) => JSON.stringify(classification) === JSON.stringify(found))
  if (first !== undefined && first.loss !== loss) {
    return html`<h3>As a classifier</h3><p>The same as under ${first.loss}.</p>`
  }
  const { accuracy, ece, count, reliability: bins } = found
  return html`<h3>As a classifier</h3>
<dl class="numbers small"><div><dt>accuracy</dt><dd class="value" title="${accuracy}">${percent(accuracy)}</dd></div>
<div><dt>calibration error</dt><dd class="value" title="${ece}">${percent(ece)}</dd></div>
<div><dt>predictions</dt><dd class="value">${whole(count)}</dd></div></dl>
<h3>Calibration</h3>
${await draw(
  'Reliability curve',
  'On the dashed line, probabilities come true as often as they say; below it, they promise too much. The area of a point is its share of the predictions.',
  reliability(bins),
)}
<details><summary>The curve as a table</summary><div class="scroll"><table>
<thead><tr><th scope="col">probability</th><th scope="col" class="number">predictions</th><th scope="col" class="number">mean probability</th><th scope="col" class="number">came true</th></tr></thead>
<tbody>${bins.map(
    bin =>
      html`<tr><th scope="row">${bin.from.toFixed(2)} to ${bin.to.toFixed(2)}</th><td class="number">${whole(bin.count)}</td><td class="number">${short(bin.confidence)}</td><td class="number">${short(bin.accuracy)}</td></tr>`,
  )}</tbody></table></div></details>
${confusionTable(found)}`
}

/** Larger matrices are told by the mistakes that are made most often. */
const shownClasses = 12

function confusionTable({ confusion }: ClassificationReport): Html | undefined {
  if (confusion === undefined) return undefined
  if (confusion.length > shownClasses) return mistakes(confusion)
  const most = confusion.map(line => Math.max(1, ...line))
  const names = confusion.map((_, i) => (confusion.length === 2 ? (['no', 'yes'][i] as string) : String(i)))
  return html`<h3>Confusion</h3><p class="quiet">Rows are what was true, columns what was predicted.</p>
<div class="scroll"><table class="confusion"><thead><tr><th></th>${names.map(name => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${confusion.map(
    (line, i) =>
      html`<tr><th scope="row">${names[i]}</th>${line.map(
        cell =>
          html`<td style="background:color-mix(in srgb, var(--accent) ${Math.round((38 * cell) / (most[i] as number))}%, transparent)">${whole(cell)}</td>`,
      )}</tr>`,
  )}</tbody></table></div>`
}

function mistakes(confusion: readonly (readonly number[])[]): Html {
  const cells = confusion.flatMap((line, actual) =>
    line.flatMap((count, predicted) =>
      actual === predicted || count === 0 ? [] : [{ actual, predicted, count }],
    ),
  )
  const worst = cells.sort((a, b) => b.count - a.count).slice(0, 20)
  return html`<h3>Commonest mistakes</h3><div class="scroll"><table>
<thead><tr><th scope="col">true class</th><th scope="col">taken for</th><th scope="col" class="number">rows</th></tr></thead>
<tbody>${worst.map(
    ({ actual, predicted, count }) =>
      html`<tr><td>${actual}</td><td>${predicted}</td><td class="number">${whole(count)}</td></tr>`,
  )}</tbody></table></div>`
}

export function worstSection(
  worst: readonly WorstRow[] | undefined,
  by: string | undefined,
): Html | undefined {
  const [first] = worst ?? []
  if (worst === undefined || first === undefined) return undefined
  const columns = (['pred', 'target'] as const).filter(name => first[name] !== undefined)
  const number = (value: number | undefined): Html =>
    html`<td class="number" title="${value}">${value !== undefined && short(value)}</td>`
  return html`<h3>Worst rows</h3><p class="quiet">Rows are counted from 0.</p><div class="scroll"><table>
<thead><tr><th scope="col" class="number">row</th><th scope="col" class="number">loss</th>${columns.map(
    name => html`<th scope="col" class="number">${name === 'pred' ? 'prediction' : name}</th>`,
  )}${by !== undefined && html`<th scope="col">${by}</th>`}</tr></thead>
<tbody>${worst
    .slice(0, 50)
    .map(
      ({ row, loss, group, ...more }) =>
        html`<tr><td class="number">${row}</td>${number(loss)}${columns.map(name => number(more[name]))}${by !== undefined && html`<td class="any">${group}</td>`}</tr>`,
    )}</tbody></table></div>`
}
