import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { aimsSheet, judgeAims } from './aims.mjs'
import { makeCase } from './cases.mjs'
import { loadContenders } from './contenders/index.mjs'
import { dataStore } from './data.mjs'
import { losses } from './losses/index.mjs'
import { describe, lastCache, loadProbe, machineSpeed } from './machine.mjs'
import { readOptions } from './options.mjs'
import { makePlan } from './plan.mjs'
import { against } from './report/against.mjs'
import { machineLine, save } from './report/save.mjs'
import { shares } from './report/shares.mjs'
import { terminal } from './report/show.mjs'
import {
  exactness,
  leftOut,
  machineSheet,
  peaksSheet,
  smallCalls,
  summary,
  timesPerCall,
  ways,
} from './report/tables.mjs'
import { throughput } from './report/throughput.mjs'
import { sink } from './rounds.mjs'
import { reasonOf, runCase } from './run-case.mjs'
import { buildMachine, installPeers } from './setup.mjs'

const options = readOptions()
const began = performance.now()
const seconds = () => (performance.now() - began) / 1000

/** @type {{ large: import('./rounds.mjs').Pace, small: import('./rounds.mjs').Pace }} */
const pace = options.isQuick
  ? {
      large: { sampleMs: 3, settleMs: 4, minRounds: 5, maxRounds: 15, budgetMs: 500, rarest: 4 },
      small: { sampleMs: 4, settleMs: 1, minRounds: 9, maxRounds: 25, budgetMs: 500, rarest: 1 },
    }
  : {
      large: { sampleMs: 8, settleMs: 8, minRounds: 7, maxRounds: 41, budgetMs: 2000, rarest: 4 },
      small: { sampleMs: 8, settleMs: 2, minRounds: 11, maxRounds: 61, budgetMs: 3000, rarest: 1 },
    }

/** Progress goes where it is not in the way of the tables. @param {string} text */
const say = text => {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`)
}

const skipped = []

/** @template T @param {string} what @param {() => T} attempt @returns {Promise<Awaited<T> | undefined>} */
async function orLeaveOut(what, attempt) {
  try {
    return await attempt()
  } catch (error) {
    skipped.push(`${what}: ${reasonOf(error)}`)
  }
}

await orLeaveOut('installing the peers', () => installPeers(say))
const probe = await orLeaveOut("the machine's own speed", () => loadProbe(buildMachine()))
const machine = describe(probe)
const folder = mkdtempSync(join(tmpdir(), 'losskit-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const surroundings = { threads: availableParallelism(), isQuick: options.isQuick, folder, probe }
const contenders = await loadContenders(options.without, surroundings, orLeaveOut)
if (!options.without.includes('losskit') && !contenders.some(({ name }) => name === 'losskit')) {
  console.error(`losskit could not be loaded; build it first with \`npm run build\`.\n${skipped.join('\n')}`)
  process.exit(1)
}

console.log(`${machineLine(machine)}; load ${machine.loadBefore.toFixed(2)}`)
for (const { name, version, note } of contenders) console.log(`  ${name} ${version}: ${note}`)
for (const line of skipped) console.log(`  left out: ${line}`)
if (machine.loadBefore > 0.5) console.log('  Something else is running: the figures will vary.')

const plan = makePlan(options.isQuick, options.only, losses)
const data = dataStore(lastCache(machine.caches))

/** @param {import('./plan.mjs').Entry[]} entries @param {object} settings */
async function runAll(entries, settings) {
  const results = []
  for (const { loss, size, form, dtype } of entries) {
    const sets = data.setsFor(losses[loss], size, dtype)
    const item = makeCase(losses[loss], size, form, dtype, sets)
    say(`${item.name} (${seconds().toFixed(0)} s)`)
    results.push(await runCase(item, { caches: machine.caches, ...settings }))
    if (form === 'in place') data.forget()
  }
  return results
}

const speeds = probe && options.isWhole ? await machineSpeed(probe, machine.caches, pace.small) : undefined
const small = await runAll(plan.small, {
  pace: pace.small,
  contenders: contenders.map(contender => ({
    ...contender,
    prepare: contender.prepareSmall ?? contender.prepare,
  })),
})
const cases = await runAll(plan.cases, { pace: pace.large, contenders, probe })
for (const contender of contenders) await contender.close?.()
say('')

const aims = judgeAims([...cases, ...small])
const peers = contenders.map(({ name }) => name).filter(name => name !== 'losskit' && name !== 'plain sum')
const sheets = [
  ...(options.isWhole ? [aimsSheet(aims)] : []),
  ...(speeds ? [machineSheet(speeds.memory), peaksSheet(speeds.arithmetic)] : []),
  ...(cases.length ? [summary(cases, peers), timesPerCall(cases), ways(cases), exactness(cases)] : []),
  ...(small.length ? [smallCalls(small)] : []),
  ...(options.against ? [against([...cases, ...small], options.against)] : []),
].filter(({ rows }) => rows.length > 0)
for (const sheet of sheets) console.log(terminal(sheet))
const left = [...skipped, ...leftOut([...cases, ...small])]
for (const line of left) console.log(`  ${line}`)
console.log(`\n${seconds().toFixed(0)} s; results of the calls added up to ${sink.sum.toPrecision(3)}`)

if (options.saves) {
  const report = {
    date: new Date().toISOString(),
    mode: options.isQuick ? 'quick' : 'full',
    seconds: seconds(),
    machine: { ...machine, loadAfter: loadavg()[0] },
    contenders: contenders.map(({ name, version, note }) => ({ name, version, note })),
    leftOut: left,
    aims,
    machineSpeed: speeds,
    cases,
    smallCalls: small,
  }
  const name = `${machine.cpu}, ${machine.threads} threads`
  const pictures = {
    throughput: await orLeaveOut('the plot of throughput', () => throughput(cases, name)),
    shares: await orLeaveOut('the plot of shares', () => shares(cases, name)),
  }
  console.log(`written to ${save(report, sheets, pictures)}.json, .md and .svg`)
}
