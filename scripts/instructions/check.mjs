import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { countAll, toolchain } from './count.mjs'

/**
 * The regression gate that noise cannot fool: instructions instead of time, against those recorded. `--record` writes them.
 */

const { values: options } = parseArgs({ options: { record: { type: 'boolean', default: false } } })

/** More or less than this is a change: alignment and hashing move counts by less. */
const allowance = 0.03

const path = new URL('recorded.json', import.meta.url)
const here = toolchain()

/** @param {Record<string, number>} counts */
function record(counts) {
  writeFileSync(path, `${JSON.stringify({ toolchain: here, counts }, null, 2)}\n`)
  console.log(`recorded ${Object.keys(counts).length} counts`)
}

/** @param {number} share */
const signed = share => `${share < 0 ? '−' : '+'}${(100 * Math.abs(share)).toFixed(1)} %`

/** @param {Record<string, number>} counts @param {Record<string, number>} recorded @returns {boolean} whether all is well */
function compare(counts, recorded) {
  const changes = Object.entries(counts).map(([name, now]) => ({
    name,
    now,
    before: recorded[name],
    change: now / recorded[name] - 1,
  }))
  const more = changes.filter(({ change }) => change > allowance)
  const fewer = changes.filter(({ change }) => change < -allowance)
  const unknown = changes.filter(({ before }) => before === undefined)
  const gone = Object.keys(recorded).filter(name => !(name in counts))
  const show = ({ name, before, now, change }) => `  ${signed(change)}  ${name}: ${before} → ${now}`

  console.log(
    `${changes.length} counts, ${more.length} grew and ${fewer.length} shrank by more than ${100 * allowance} %`,
  )
  if (fewer.length > 0)
    console.log(`fewer instructions; record them (--record):\n${fewer.map(show).join('\n')}`)
  if (more.length > 0) console.log(`more instructions:\n${more.map(show).join('\n')}`)
  for (const { name } of unknown) console.log(`not recorded: ${name}`)
  for (const name of gone) console.log(`recorded, but no longer counted: ${name}`)
  return more.length + unknown.length + gone.length === 0
}

if (options.record) {
  record(await countAll(availableParallelism()))
} else {
  const { toolchain: before, counts: recorded } = JSON.parse(readFileSync(path, 'utf8'))
  const other = Object.keys(here).filter(key => here[key] !== before[key])
  if (other.length > 0) {
    const lines = other.map(key => `  ${key}: ${before[key]}, here ${here[key]}`)
    console.log(`not compared: the counts were recorded with others\n${lines.join('\n')}`)
  } else if (!compare(await countAll(availableParallelism()), recorded)) {
    process.exitCode = 1
  }
}
