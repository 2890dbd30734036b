import { Lacks, requireDtype } from './contender.mjs'
import { threadsName } from './losskit.mjs'

/**
 * Mean squared error with a sum in float64 that is not exact, in the machine's best vectors on all its threads: what losskit's
 * exact sum is held against.
 */

const fewest = 2 ** 12

/** @param {import('./contender.mjs').Surroundings} surroundings @returns {import('./contender.mjs').Contender} */
export function load({ probe, threads }) {
  if (!probe) throw new Error('it is part of the addon that measures the machine')
  return {
    name: 'plain sum',
    version: probe.isa,
    note: `losskit's mse without exactness: difference and square in float32, sums in float64, ${threads} threads`,
    prepare(item) {
      requireDtype(item, 'float32')
      if (item.loss.name !== 'mse' || item.wantsGrad) throw new Lacks('mse alone')
      if (item.size.elements < fewest) throw new Lacks('the call would be all that costs')
      const sets = item.sets.map(({ inputs }) => [{ first: inputs.pred, second: inputs.target }])
      const on = count => ({
        sample: (first, repeat) => probe.plainSum(sets, count, first, repeat).ns,
        check: async () => ({ value: probe.plainSum(sets, count, 0, 1).sum * item.scale }),
      })
      return [
        on(threads),
        ...(threads > 1 ? [{ name: threadsName(1).replace('losskit', 'plain sum'), ...on(1) }] : []),
      ]
    },
  }
}
