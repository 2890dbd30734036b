import { elementLoop } from '../losses/elements.mjs'
import { Lacks, requireDtype } from './contender.mjs'

/**
 * Plain loops over typed arrays, as the textbook has them; for losses of elements four sums side by side, where nothing but
 * the addition would be waited for. Each case gets a function of its own: V8 would make one slower that has seen arrays of
 * several kinds.
 */

/** @param {import('./contender.mjs').Case} item */
function compile({ loss, wantsGrad }) {
  if (loss.driver === 'elements') return elementLoop(loss.name, wantsGrad, 4)
  return new Function(`return ${loss.textbook}`)()
}

/** Above this many operations a call takes seconds. */
const tooMany = 1e9

/** @returns {import('./contender.mjs').Contender} */
export const load = () => ({
  name: 'JavaScript',
  version: `V8 ${process.versions.v8}`,
  note: 'plain loops over typed arrays, sums in float64',
  prepare(item) {
    requireDtype(item, 'float32', 'float64')
    const { loss, size, scale, wantsGrad, sets } = item
    if ((loss.flop?.(size, wantsGrad) ?? 0) > tooMany) throw new Lacks('it would take seconds')
    const run = compile(item)
    return [{ call: set => run(sets[set].inputs, wantsGrad ? sets[set].grads : undefined, size, scale) }]
  },
})
