import { createRequire } from 'node:module'
import { isHalf } from '../storage.mjs'

const { backend, setThreads, ...losses } = await import('losskit')

/**
 * @typedef {import('./contender.mjs').Case} Case
 * @typedef {import('./contender.mjs').Prepared} Prepared
 */

/** The arguments of a set as losskit takes them: plain arrays where those say it all. @param {Case} item */
const argumentsOf = ({ loss, dtype, shapes, sets }) =>
  sets.map(({ inputs }) =>
    Object.entries(inputs).map(([name, data]) => {
      if (data instanceof Int32Array || !isHalf(dtype)) {
        const isPlain = loss.driver === 'elements' || (loss.driver === 'rows' && dtype === 'float32')
        return isPlain ? data : { data, shape: shapes[name] }
      }
      return { data, dtype, shape: shapes[name] }
    }),
  )

/** Options of each set, which name where its gradients go. @param {Case} item */
const optionsOf = ({ loss, form, reduction, sets }) =>
  sets.map(({ inputs, grads }) => ({
    ...loss.options,
    ...(reduction === 'sum' && { reduction }),
    ...(form !== 'value' && {
      out: Object.fromEntries(
        loss.grads.map(name => [name, form === 'in place' ? inputs[name] : grads[name]]),
      ),
    }),
  }))

/** What a call over its own input finds and leaves; afterwards the input is as it was. */
function checkInPlace(call, { inputs }, [name]) {
  const before = inputs[name].slice()
  const value = call(0)
  const grads = { [name]: inputs[name].slice() }
  inputs[name].set(before)
  return { value, grads }
}

/** @param {Case} item @returns {{ call: (set: number) => number, check?: Prepared['check'] }} */
function plainCall(item) {
  const fn = losses[item.loss.name]
  const inputs = argumentsOf(item)
  const options = optionsOf(item)
  if (!item.wantsGrad) {
    const bare = item.reduction === 'mean' && !item.loss.options
    // As a user writes it: arguments without options where there are none to give.
    if (bare && inputs[0].length === 2) return { call: set => fn(inputs[set][0], inputs[set][1]) }
    return { call: set => fn(...inputs[set], options[set]) }
  }
  const call = set => fn.valueAndGrad(...inputs[set], options[set]).value
  if (item.form !== 'in place') return { call }
  return { call, check: async () => checkInPlace(call, item.sets[0], item.loss.grads) }
}

/** Without `out` each gradient is a new array, whose pages the system has to find first. @param {Case} item */
function intoNewArrays(item) {
  const fn = losses[item.loss.name]
  const inputs = argumentsOf(item)
  const { reduction } = item
  const run = set => fn.valueAndGrad(...inputs[set], { ...item.loss.options, reduction })
  const check = async () => {
    const { value, grad } = run(0)
    return { value, grads: grad }
  }
  return { call: set => run(set).value, check }
}

/** Above this many elements the call costs nothing beside its work. */
const mostToCall = 2 ** 20

/** @param {Case} item @returns {Prepared[]} */
const furtherWays = item => [
  ...(item.form === 'value+grad' ? [{ name: 'losskit, new array', ...intoNewArrays(item) }] : []),
  ...(item.form !== 'in place' && item.size.elements <= mostToCall
    ? [
        { name: 'losskit, bound', ...bound(item) },
        { name: 'losskit, async', ...awaited(item) },
      ]
    : []),
]

/** Powers of two below all. @param {number} all */
const fewerThreads = all => Array.from({ length: Math.ceil(Math.log2(all)) }, (_, i) => 2 ** i)

/** @param {number} count */
export const threadsName = count => `losskit, ${count} thread${count === 1 ? '' : 's'}`

/** @param {import('./contender.mjs').Surroundings} surroundings @returns {import('./contender.mjs').Contender} */
export function load({ isQuick }) {
  const { version } = createRequire(import.meta.url)('losskit/package.json')
  const { isa, threads } = backend()
  const counts = isQuick && threads > 1 ? [1] : fewerThreads(threads)
  return {
    name: 'losskit',
    version,
    note: `${isa}, ${threads} threads; gradients go into arrays of the caller's, but for "new array"`,
    prepare(item) {
      const calls = plainCall(item)
      return [
        calls,
        ...counts.map(count => ({
          ...calls,
          name: threadsName(count),
          before: () => setThreads(count),
          after: () => setThreads(threads),
        })),
        ...(isQuick ? [] : furtherWays(item)),
      ]
    },
    prepareSmall: waysOfCalling,
  }
}

/** A prepared call for each set, which owns the arrays of its gradients. @param {Case} item @returns {Prepared} */
function bound(item) {
  const fn = losses[item.loss.name]
  const { loss, reduction, wantsGrad } = item
  const runs = argumentsOf(item).map(inputs =>
    fn.bind(...inputs, { ...loss.options, reduction, ...(wantsGrad && { grad: true }) }),
  )
  const check = async () => ({ value: runs[0](), grads: runs[0].grad })
  if (runs.length > 1) return { call: set => runs[set](), check }
  const [run] = runs
  return { call: () => run(), check }
}

/** @param {Case} item @returns {Prepared} */
function awaited(item) {
  const fn = losses[item.loss.name]
  const inputs = argumentsOf(item)
  const options = optionsOf(item)
  if (!item.wantsGrad) return { async: true, call: set => fn.async(...inputs[set], options[set]) }
  return {
    async: true,
    call: async set => (await fn.async.valueAndGrad(...inputs[set], options[set])).value,
  }
}

/** @param {Case} item @returns {Prepared[]} */
const waysOfCalling = item => [
  { name: 'call', ...plainCall(item) },
  { name: 'bound', ...bound(item) },
  { name: 'async', ...awaited(item) },
  ...(item.wantsGrad ? [{ name: 'call, new array', ...intoNewArrays(item) }] : []),
]
