import { mkdirSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { makeCase, makeSets, sizes, smallSizes } from './cases.mjs'
import { describe, lastCache, loadProbe, machineSpeed } from './machine.mjs'
import {
  leftOut,
  machineSheet,
  markdown,
  size,
  smallCalls,
  summary,
  terminal,
  times,
  ways,
} from './report.mjs'
import { sink } from './rounds.mjs'
import { reasonOf, runCase, truthOf } from './run-case.mjs'
import { buildMachine, installPeers } from './setup.mjs'

const help = `npm run bench -- [options]

  --quick           at most two minutes: fewer rounds
  --only <regexp>   only cases whose name matches, as 'mse 2^25'
  --without <names> leave contenders out, separated by commas: javascript, onnxruntime, tfjs, torch, losskit
  --no-save         write nothing into bench/results, which --only and --without never do`

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    without: { type: 'string', default: '' },
    'no-save': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  console.log(help)
  process.exit()
}

/** @type {{ big: import('./rounds.mjs').Pace, small: import('./rounds.mjs').Pace }} */
const pace = options.quick
  ? {
      big: { sampleMs: 3, minRounds: 5, maxRounds: 15, budgetMs: 1200, rarest: 4 },
      small: { sampleMs: 2, minRounds: 5, maxRounds: 15, budgetMs: 400, rarest: 1 },
    }
  : {
      big: { sampleMs: 10, minRounds: 11, maxRounds: 61, budgetMs: 20000, rarest: 4 },
      small: { sampleMs: 10, minRounds: 11, maxRounds: 61, budgetMs: 8000, rarest: 1 },
    }

/** Progress goes where it is not in the way of the tables. @param {string} text */
const say = text => {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`)
}

const began = performance.now()
const only = new RegExp(options.only)
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

const contenders = []
for (const file of ['losskit', 'javascript', 'onnxruntime', 'tfjs', 'torch']) {
  if (options.without.split(',').includes(file)) continue
  const module = await orLeaveOut(file, () => import(`./contenders/${file}.mjs`))
  const contender = module && (await orLeaveOut(file, () => module.load()))
  if (contender) contenders.push({ ...contender, prepareSmall: module.prepareSmall })
}
if (!options.without.includes('losskit') && !contenders.some(({ name }) => name === 'losskit')) {
  console.error(`losskit could not be loaded; build it first with \`npm run build\`.\n${skipped.join('\n')}`)
  process.exit(1)
}

console.log(
  `${machine.cpu}, ${machine.threads} threads, ${machine.caches.map(({ level, kind, bytes }) => `L${level}${kind === 'Data' ? 'd' : ''} ${size(bytes)}`).join(', ')}; ${machine.os}; Node ${machine.node}; ${machine.compiler}; load ${machine.loadBefore.toFixed(2)}`,
)
for (const { name, version, note } of contenders) console.log(`  ${name} ${version}: ${note}`)
for (const line of skipped) console.log(`  left out: ${line}`)
if (machine.loadBefore > 0.5) console.log('  Something else is running: the figures will vary.')

say("the machine's own speed")
const speeds = probe && !options.only ? await machineSpeed(probe, machine.caches, pace.small) : []

/**
 * @param {import('./cases.mjs').Size[]} list
 * @param {import('./rounds.mjs').Pace} pace
 * @param {{ contenders: object[], probe?: import('./machine.mjs').Probe }} settings
 */
async function runAll(list, pace, settings) {
  const results = []
  for (const size of list) {
    const wanted = size.losses.flatMap(loss =>
      [false, true]
        .filter(wantsGrad => only.test(makeCase(size, loss, wantsGrad, []).name))
        .map(wantsGrad => ({ loss, wantsGrad })),
    )
    if (wanted.length === 0) continue
    say(`data for ${size.label}`)
    const sets = makeSets(size, lastCache(machine.caches))
    const truths = new Map()
    for (const { loss, wantsGrad } of wanted) {
      const item = makeCase(size, loss, wantsGrad, sets)
      say(`${item.name} (${((performance.now() - began) / 1000).toFixed(0)} s)`)
      if (!truths.has(loss)) truths.set(loss, truthOf(item))
      results.push(
        await runCase(item, { caches: machine.caches, pace, truth: truths.get(loss), ...settings }),
      )
    }
  }
  return results
}

const big = await runAll(sizes, pace.big, { contenders, probe })
const small = await runAll(smallSizes, pace.small, {
  contenders: contenders.map(({ name, prepare, prepareSmall }) => ({
    name,
    prepare: prepareSmall ?? prepare,
  })),
})
for (const contender of contenders) await contender.close?.()
say('')

const peers = contenders.map(({ name }) => name).filter(name => name !== 'losskit')
const sheets = [
  ...(speeds.length ? [machineSheet(speeds)] : []),
  ...(big.length ? [summary(big, peers), times(big), ways(big)] : []),
  ...(small.length ? [smallCalls(small)] : []),
]
for (const sheet of sheets) console.log(terminal(sheet))
for (const line of leftOut([...big, ...small])) console.log(`  ${line}`)

const seconds = (performance.now() - began) / 1000
const report = {
  date: new Date().toISOString(),
  mode: options.quick ? 'quick' : 'full',
  seconds,
  machine: { ...machine, loadAfter: loadavg()[0] },
  contenders: contenders.map(({ name, version, note }) => ({ name, version, note })),
  leftOut: [...skipped, ...leftOut([...big, ...small])],
  machineSpeed: speeds,
  cases: big,
  smallCalls: small,
}
console.log(`\n${seconds.toFixed(0)} s; results of the calls added up to ${sink.sum.toPrecision(3)}`)

if (!options['no-save'] && !options.only && !options.without) {
  const folder = fileURLToPath(new URL('results/', import.meta.url))
  const cpu = machine.cpu
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
  const stem = `${folder}${report.date.slice(0, 10)}-${cpu}${options.quick ? '-quick' : ''}`
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${stem}.json`, `${JSON.stringify(report, null, 1)}\n`)
  const facts = [
    `# Benchmark, ${report.date.slice(0, 10)}`,
    '',
    `${machine.cpu}, ${machine.threads} threads, ${machine.os}, Node ${machine.node}, ${machine.compiler}; load ${machine.loadBefore.toFixed(2)} before and ${report.machine.loadAfter.toFixed(2)} after; ${report.mode} run of ${seconds.toFixed(0)} s.`,
    '',
    ...report.contenders.map(({ name, version, note }) => `- ${name} ${version}: ${note}`),
    ...report.leftOut.map(line => `- left out: ${line}`),
    '',
  ]
  writeFileSync(`${stem}.md`, `${facts.join('\n')}\n${sheets.map(markdown).join('\n')}`)
  console.log(`written to ${stem}.json and .md`)
}
