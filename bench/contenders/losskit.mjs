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
        ...(item.form === 'value+grad' && !isQuick
          ? [{ name: 'losskit, new array', ...intoNewArrays(item) }]
          : []),
      ]
    },
    prepareSmall: waysOfCalling,
  }
}

/** @param {Case} item of one set @returns {Prepared[]} */
function waysOfCalling(item) {
  const fn = losses[item.loss.name]
  const [inputs] = argumentsOf(item)
  const [a, b] = inputs
  const [options] = optionsOf(item)
  if (!item.wantsGrad) {
    const run = fn.bind(a, b)
    return [
      { name: 'call', ...plainCall(item) },
      { name: 'bound', call: () => run() },
      { name: 'async', async: true, call: () => fn.async(a, b) },
    ]
  }
  const run = fn.bind(a, b, { ...item.loss.options, grad: true })
  return [
    { name: 'call', ...plainCall(item) },
    { name: 'call, new array', ...intoNewArrays(item) },
    { name: 'bound', call: () => run(), check: async () => ({ value: run(), grads: run.grad }) },
    {
      name: 'async',
      async: true,
      call: async () => (await fn.async.valueAndGrad(a, b, options)).value,
    },
  ]
}
