import { Lacks } from './contender.mjs'

/** In the order of the tables. */
const files = ['losskit', 'plain-sum', 'torch', 'onnxruntime', 'numpy', 'simsimd', 'tfjs', 'javascript']

/** Those that a quick run holds to small sizes: what they would show of large ones takes too long. */
const slow = ['numpy', 'tfjs', 'javascript']
const mostElements = 2 ** 16
/** Where a quick run has no time for any peer: PyTorch takes six seconds where its BLAS is a slow one. */
const mostFlop = 1e10

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
    if (contender) contenders.push(surroundings.isQuick ? inHaste(contender, file) : contender)
  }
  return contenders
}

/** @param {import('./contender.mjs').Contender} contender @param {string} file */
function inHaste(contender, file) {
  if (file === 'losskit') return contender
  const most = slow.includes(file) ? mostElements : Number.POSITIVE_INFINITY
  return {
    ...contender,
    note: contender.note + (slow.includes(file) ? `; in this quick run up to ${mostElements} elements` : ''),
    prepare(item) {
      const flop = item.loss.flop?.(item.size, item.wantsGrad) ?? 0
      if (item.size.elements > most || flop > mostFlop) throw new Lacks('too long for a quick run')
      return contender.prepare(item)
    },
  }
}
