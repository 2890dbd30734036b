import { makeCase, transfersOf } from './cases.mjs'
import { Lacks } from './contenders/contender.mjs'
import { drawSet } from './data.mjs'
import { peakRunners, place, transferRunners } from './machine.mjs'
import { compare, truthOf } from './reference.mjs'
import { measure } from './rounds.mjs'
import { summarise } from './stats.mjs'
import { isHalf } from './storage.mjs'

/**
 * One case from beginning to end: every contender is made ready and held against the truth; those that are right are timed in
 * the same rounds as the machine itself.
 *
 * @typedef {import('./cases.mjs').Case} Case
 * @typedef {import('./contenders/contender.mjs').Prepared} Prepared
 *
 * @typedef {object} Result
 * @property {string} contender
 * @property {'ok' | 'wrong' | 'missing'} status
 * @property {string} [reason]
 * @property {number} [valueError]
 * @property {number} [gradError]
 * @property {import('./stats.mjs').Summary} [ns] nanoseconds per call
 */

/** The first line of an error's message. @param {unknown} error */
export const reasonOf = error =>
  String(error instanceof Error ? error.message : error)
    .split('\n')[0]
    .slice(0, 300)

/** So that gradients of the last contender are not taken for this one's. @param {Case} item */
function spoil({ dtype, sets: [{ grads }] }) {
  for (const grad of Object.values(grads)) grad.fill(isHalf(dtype) ? 0x7fff : Number.NaN)
}

/** @param {Prepared} prepared @param {Case} item @param {import('./reference.mjs').Truth} truth */
async function judge(prepared, item, truth) {
  spoil(item)
  const start = performance.now()
  const found = prepared.check
    ? await prepared.check()
    : { value: (await prepared.call?.(0)) ?? Number.NaN, grads: item.sets[0].grads }
  prepared.expected = (performance.now() - start) * 1e6
  const { wrong, ...errors } = compare(item, truth, found)
  return { status: wrong ? 'wrong' : 'ok', ...errors, ...(wrong && { reason: wrong }) }
}

/** The case whose results are checked: the same one, or a small one where the truth would take too long. @param {Case} item */
function caseToCheck(item) {
  const { loss, form, dtype } = item
  const size = loss.checkSize
  return size ? makeCase(loss, size, form, dtype, [drawSet(loss, size, dtype)]) : item
}

/**
 * @param {Case} item
 * @param {(item: Case) => Prepared[] | Promise<Prepared[]>} prepare
 * @param {string} name
 * @param {{ item: Case, truth: import('./reference.mjs').Truth }} check
 */
async function makeReady(item, prepare, name, check) {
  /** @type {{ prepared: Prepared, result: Result }[]} */
  const ready = []
  /** @type {Record<string, object>} */
  const verdicts = {}
  try {
    if (check.item !== item) {
      for (const prepared of await prepare(check.item)) {
        verdicts[prepared.name ?? name] = await judge(prepared, check.item, check.truth)
        await prepared.dispose?.()
      }
    }
    for (const prepared of await prepare(item)) {
      const contender = prepared.name ?? name
      const verdict = verdicts[contender] ?? (await judge(prepared, item, check.truth))
      ready.push({ prepared, result: { contender, ...verdict } })
    }
    return ready
  } catch (error) {
    const lacks = error instanceof Lacks
    const result = { contender: name, status: /** @type {const} */ ('missing'), reason: reasonOf(error) }
    return lacks ? [] : [...ready, { prepared: {}, result }]
  }
}

/**
 * @param {Case} item
 * @param {object} options
 * @param {{ name: string, prepare: (item: Case) => Prepared[] | Promise<Prepared[]> }[]} options.contenders
 * @param {import('./machine.mjs').Probe | undefined} [options.probe]
 * @param {import('./machine.mjs').Cache[]} options.caches
 * @param {import('./rounds.mjs').Pace} options.pace
 */
export async function runCase(item, { contenders, probe, caches, pace }) {
  const checked = caseToCheck(item)
  const check = { item: checked, truth: truthOf(checked) }
  const all = []
  for (const { name, prepare } of contenders) all.push(...(await makeReady(item, prepare, name, check)))

  const timed = all.filter(({ result }) => result.status === 'ok')
  const runners = timed.map(({ prepared, result }) => ({ ...prepared, name: result.contender }))
  const limits = probe ? await limitRunners(probe, item) : []
  const measured = await measure([...runners, ...limits], item.sets.length, pace)

  for (const [i, { result }] of timed.entries()) result.ns = summarise(measured[i].ns)
  for (const { prepared } of all) await prepared.dispose?.()

  const machine = limits
    .map(({ name, threads }, i) => ({ name, threads, ns: summarise(measured[runners.length + i].ns) }))
    .sort((a, b) => a.ns.median - b.ns.median)
  const { loss, form, wantsGrad, dtype, size, bytes, sets } = item
  return {
    name: item.name,
    loss: loss.name,
    driver: loss.driver,
    form,
    dtype,
    size: size.label,
    elements: size.elements,
    sets: sets.length,
    bytes,
    ...(loss.flop && { flop: loss.flop(size, wantsGrad) }),
    place: place(caches, bytes * sets.length),
    /** The machine's fastest way of doing what the case cannot do without, and that of one thread. */
    machine: machine[0],
    machineOneThread: machine.find(({ threads }) => threads === 1),
    results: all.map(({ result }) => result),
  }
}

/** @param {import('./machine.mjs').Probe} probe @param {Case} item */
function limitRunners(probe, { loss, form, size, wantsGrad, sets }) {
  if (loss.flop) return peakRunners(probe, loss.flop(size, wantsGrad))
  return transferRunners(
    probe,
    sets.map(set => transfersOf(set, form)),
  )
}

/** @typedef {Awaited<ReturnType<typeof runCase>>} CaseResult */
