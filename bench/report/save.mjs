import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { markdown } from './show.mjs'

/** A run as files: all its numbers as JSON, its tables as Markdown, its pictures as SVG. */

const folder = fileURLToPath(new URL('../results/', import.meta.url))

/** One line for each entry of a list: to be read, and compared line by line. @param {object} report */
function json(report) {
  const parts = Object.entries(report).map(([key, value]) => {
    const text = Array.isArray(value)
      ? `[\n${value.map(item => `  ${JSON.stringify(item)}`).join(',\n')}\n ]`
      : JSON.stringify(value)
    return ` ${JSON.stringify(key)}: ${text}`
  })
  return `{\n${parts.join(',\n')}\n}\n`
}

/** @param {object} machine as machine.mjs describes it */
export const machineLine = ({ cpu, threads, caches, memoryBytes, os, node, compiler }) =>
  [
    `${cpu}, ${threads} threads`,
    caches
      .map(({ level, kind, bytes }) => `L${level}${kind === 'Data' ? 'd' : ''} ${bytes / 2 ** 10} KiB`)
      .join(', ') || 'it does not tell its caches',
    `${(memoryBytes / 2 ** 30).toFixed(0)} GiB`,
    os,
    `Node ${node}`,
    compiler,
  ].join('; ')

/**
 * @param {object} report
 * @param {import('./tables.mjs').Sheet[]} sheets
 * @param {Record<string, string | undefined>} pictures SVG, by what they show
 * @returns {string} the files' common beginning
 */
export function save(report, sheets, pictures) {
  const { date, mode, seconds, machine, contenders, leftOut } = report
  const name = resultName(date, machine.cpu, mode === 'quick' ? '-quick' : '')
  const shown = Object.entries(pictures).filter(([, svg]) => svg)
  const facts = [
    `# Benchmark, ${date.slice(0, 10)}`,
    '',
    `${machineLine(machine)}; load ${machine.loadBefore.toFixed(2)} before; ${mode} run of ${seconds.toFixed(0)} s.`,
    '',
    ...contenders.map(({ name, version, note }) => `- ${name} ${version}: ${note}`),
    ...leftOut.map(line => `- left out: ${line}`),
    '',
    ...shown.flatMap(([what]) => [`![${what}](${name}-${what}.svg)`, '']),
  ]
  const stem = write(name, report, facts, sheets)
  for (const [what, svg] of shown) writeFileSync(`${stem}-${what}.svg`, svg)
  return stem
}

/** What files of results are called. @param {string} date @param {string} machine @param {string} kind */
export function resultName(date, machine, kind) {
  const plain = machine
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
  return `${date.slice(0, 10)}-${plain}${kind}`
}

/**
 * @param {string} name of the files
 * @param {object} report
 * @param {string[]} facts the lines before the tables
 * @param {import('./tables.mjs').Sheet[]} sheets
 * @returns {string} the files' common beginning
 */
export function write(name, report, facts, sheets) {
  const stem = `${folder}${name}`
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${stem}.json`, json(report))
  writeFileSync(`${stem}.md`, `${facts.join('\n')}\n${sheets.map(markdown).join('\n')}`)
  return stem
}
