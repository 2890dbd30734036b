/**
 * Looking things up in results.
 *
 * @typedef {import('../run-case.mjs').CaseResult} CaseResult
 */

/** @param {CaseResult} result @param {string} contender */
export const find = (result, contender) => result.results.find(item => item.contender === contender)

/** Nanoseconds per call. @param {CaseResult} result @param {string} contender */
export const median = (result, contender) => find(result, contender)?.ns?.median

/** How many times as long the other takes. @param {CaseResult} result @param {string} other @param {string} [own] */
export function ratio(result, other, own = 'losskit') {
  const [theirs, ours] = [median(result, other), median(result, own)]
  return theirs && ours ? theirs / ours : undefined
}

/** Of the speed at which the machine does what has to be done. @param {CaseResult} result @param {string} [own] */
export function ofMachine(result, own = 'losskit') {
  const ours = median(result, own)
  const limit = own.endsWith(', 1 thread') ? result.machineOneThread : result.machine
  return ours && limit ? limit.ns.median / ours : undefined
}
