import { machineRunners, place } from './machine.mjs'
import { compare, reference } from './reference.mjs'
import { measure } from './rounds.mjs'
import { summarise } from './stats.mjs'

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
 * @property {number} [callsPerSample]
 */

/** The first line of an error's message. @param {unknown} error */
export const reasonOf = error =>
  String(error instanceof Error ? error.message : error)
    .split('\n')[0]
    .slice(0, 300)

/**
 * @param {Prepared} prepared
 * @param {string} contender
 * @param {Case} item
 * @param {import('./reference.mjs').Truth} truth
 * @returns {Promise<Result>}
 */
async function judge(prepared, contender, item, truth) {
  const [set] = item.sets
  set.grad.fill(Number.NaN) // so that a gradient of the last contender is not taken for this one's
  try {
    const start = performance.now()
    const found = prepared.check
      ? await prepared.check()
      : { value: (await prepared.call?.(0)) ?? Number.NaN, grad: set.grad }
    prepared.expected = (performance.now() - start) * 1e6
    const { wrong, ...errors } = compare(truth, found, item.wantsGrad)
    return { contender, status: wrong ? 'wrong' : 'ok', ...errors, ...(wrong && { reason: wrong }) }
  } catch (error) {
    return { contender, status: 'missing', reason: reasonOf(error) }
  }
}

/**
 * @param {Case} item
 * @param {object} options
 * @param {{ name: string, prepare: (item: Case) => Prepared[] | Promise<Prepared[]> }[]} options.contenders
 * @param {import('./machine.mjs').Probe | undefined} [options.probe]
 * @param {import('./machine.mjs').Cache[]} options.caches
 * @param {import('./rounds.mjs').Pace} options.pace
 * @param {import('./reference.mjs').Truth} options.truth
 */
export async function runCase(item, { contenders, probe, caches, pace, truth }) {
  /** @type {Result[]} */
  const results = []
  /** @type {{ prepared: Prepared, result: Result }[]} */
  const ready = []
  for (const contender of contenders) {
    try {
      for (const prepared of await contender.prepare(item)) {
        const result = await judge(prepared, prepared.name ?? contender.name, item, truth)
        results.push(result)
        ready.push({ prepared, result })
      }
    } catch (error) {
      results.push({ contender: contender.name, status: 'missing', reason: reasonOf(error) })
    }
  }

  const timed = ready.filter(({ result }) => result.status === 'ok')
  const runners = timed.map(({ prepared, result }) => ({ ...prepared, name: result.contender }))
  const transfers = probe
    ? machineRunners(
        probe,
        item.sets.map(({ pred, target, grad }) => ({
          first: pred,
          ...(item.size.rows ? { side: target } : { second: target }),
          ...(item.wantsGrad && { out: grad }),
        })),
      )
    : []
  const measured = await measure([...runners, ...transfers], item.sets.length, pace)

  for (const [i, { result }] of timed.entries()) {
    const { ns, repeat } = measured[i]
    Object.assign(result, { ns: summarise(ns), callsPerSample: repeat })
  }
  for (const { prepared } of ready) await prepared.dispose?.()

  const plans = transfers
    .map(({ plan, name }, i) => ({ ...plan, name, ns: summarise(measured[runners.length + i].ns) }))
    .sort((a, b) => a.ns.median - b.ns.median)
  const { elements, rows, classes, label } = item.size
  return {
    name: item.name,
    loss: item.loss,
    form: item.wantsGrad ? 'value+grad' : 'value',
    size: label,
    elements,
    rows,
    classes,
    sets: item.sets.length,
    bytes: item.bytes,
    place: place(caches, item.bytes * item.sets.length),
    machine: plans[0],
    plans,
    results,
  }
}

/** @typedef {Awaited<ReturnType<typeof runCase>>} CaseResult */

/** @param {Case} item */
export function truthOf({ loss, sets: [{ pred, target }] }) {
  return reference[loss](pred, /** @type {never} */ (target))
}
