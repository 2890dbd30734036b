import { createRequire } from 'node:module'
import { backend, bceWithLogits, crossEntropy, mse, setThreads } from 'losskit'

const losses = { mse, bceWithLogits, crossEntropy }

/** @param {import('../cases.mjs').LossName} loss */
const gradKey = loss => (loss === 'crossEntropy' ? 'logits' : 'pred')

/**
 * Without `out` each gradient is a new array, whose pages the system has to find first.
 *
 * @param {import('./contender.mjs').Case} item
 * @returns {import('./contender.mjs').Prepared}
 */
function intoNewArrays({ loss, sets }) {
  const fn = losses[loss]
  const run = set => fn.valueAndGrad(sets[set].pred, sets[set].target)
  const check = async () => {
    const { value, grad } = run(0)
    return { value, grad: grad[gradKey(loss)] }
  }
  return { call: set => run(set).value, check }
}

/** @returns {import('./contender.mjs').Contender} */
export function load() {
  const { version } = createRequire(import.meta.url)('losskit/package.json')
  const { isa, threads } = backend()
  return {
    name: 'losskit',
    version,
    note: `${isa}, ${threads} threads; gradients go into arrays of the caller's, but for "new array"`,
    prepare(item) {
      const { loss, wantsGrad, sets } = item
      const fn = losses[loss]
      const options = sets.map(({ grad }) => ({ out: { [gradKey(loss)]: grad } }))
      const call = wantsGrad
        ? set => fn.valueAndGrad(sets[set].pred, sets[set].target, options[set]).value
        : set => fn(sets[set].pred, sets[set].target)
      const before = () => setThreads(1)
      const after = () => setThreads(threads)
      return [
        { call },
        ...(threads > 1 ? [{ name: 'losskit, 1 thread', call, before, after }] : []),
        ...(wantsGrad ? [{ name: 'losskit, new array', ...intoNewArrays(item) }] : []),
      ]
    },
  }
}

/**
 * The ways of making a call on a handful of numbers, where the call is all that costs.
 *
 * @param {import('./contender.mjs').Case} item of one set
 * @returns {import('./contender.mjs').Prepared[]}
 */
export function prepareSmall(item) {
  const { loss, wantsGrad, sets } = item
  const [{ pred, target, grad }] = sets
  const fn = losses[loss]
  if (!wantsGrad) {
    const run = fn.bind(pred, target)
    return [
      { name: 'call', call: () => fn(pred, target) },
      { name: 'bound', call: () => run() },
      { name: 'async', async: true, call: () => fn.async(pred, target) },
    ]
  }
  const key = gradKey(loss)
  const options = { out: { [key]: grad } }
  const run = fn.bind(pred, target, { grad: true })
  return [
    { name: 'call', call: () => fn.valueAndGrad(pred, target, options).value },
    { name: 'call, new array', ...intoNewArrays(item) },
    { name: 'bound', call: () => run(), check: async () => ({ value: run(), grad: run.grad[key] }) },
    {
      name: 'async',
      async: true,
      call: async () => (await fn.async.valueAndGrad(pred, target, options)).value,
    },
  ]
}
