import { Lacks } from './contender.mjs'

/** In the order of the tables. */
const files = ['losskit', 'plain-sum', 'torch', 'onnxruntime', 'numpy', 'simsimd', 'tfjs', 'javascript']

/** Those that a quick run holds to small sizes: what they would show of large ones takes too long. */
const slow = ['numpy', 'tfjs', 'javascript']
const mostElementsQuick = 2 ** 16

/**
 * @param {string[]} without
 * @param {import('./contender.mjs').Surroundings} surroundings
 * @param {(what: string, attempt: () => unknown) => Promise<any>} orLeaveOut
 * @returns {Promise<import('./contender.mjs').Contender[]>}
 */
export async function loadContenders(without, surroundings, orLeaveOut) {
  const contenders = []
  for (const file of files) {
    if (without.includes(file)) continue
    const module = await orLeaveOut(file, () => import(`./${file}.mjs`))
    const contender = module && (await orLeaveOut(file, () => module.load(surroundings)))
    if (contender) contenders.push(surroundings.isQuick && slow.includes(file) ? held(contender) : contender)
  }
  return contenders
}

/** @param {import('./contender.mjs').Contender} contender */
const held = contender => ({
  ...contender,
  note: `${contender.note}; in this quick run up to 2^${Math.log2(mostElementsQuick)} elements only`,
  prepare(item) {
    if (item.size.elements > mostElementsQuick) throw new Lacks('too long for a quick run')
    return contender.prepare(item)
  },
})
