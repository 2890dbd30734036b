/**
 * What each file of this folder gives.
 *
 * @typedef {import('../cases.mjs').Case} Case
 * @typedef {import('../storage.mjs').FloatData} FloatData
 *
 * @typedef {object} Prepared a case made ready: only `call` (or `sample`) is timed
 * @property {string} [name] where one contender runs in several ways
 * @property {(set: number) => number | Promise<number>} [call] the loss of a set; gradients go to the set's `grads`
 * @property {boolean} [async]
 * @property {(first: number, repeat: number) => number | Promise<number>} [sample] nanoseconds, where the time is taken elsewhere
 * @property {() => Promise<{ value: number, grads?: Record<string, FloatData> }>} [check] the loss of set 0 and its gradients,
 *   where they are not the result of `call` and the set's `grads`
 * @property {number} [expected] set by the check: nanoseconds that it took
 * @property {() => void} [before]
 * @property {() => void} [after]
 * @property {() => void | Promise<void>} [dispose]
 *
 * @typedef {object} Contender
 * @property {string} name
 * @property {string} version
 * @property {string} [note] what a reader must know to compare
 * @property {(item: Case) => Prepared[] | Promise<Prepared[]>} prepare throws where it lacks the case
 * @property {(item: Case) => Prepared[]} [prepareSmall] the ways of calling it, where the call is all that costs
 * @property {() => void | Promise<void>} [close]
 *
 * @typedef {object} Surroundings
 * @property {number} threads
 * @property {boolean} isQuick
 * @property {string} folder for files of this run
 * @property {import('../machine.mjs').Probe} [probe]
 */

/** What a contender throws where it has no such case; the report need not name it. */
export class Lacks extends Error {}

/**
 * @template T
 * @param {Record<string, T>} table
 * @param {string} name
 * @returns {T}
 */
export function entryOf(table, name) {
  const entry = table[name]
  if (entry === undefined) throw new Lacks(`no ${name}`)
  return entry
}

/** @param {Case} item @param {import('../storage.mjs').Dtype[]} dtypes */
export function requireDtype({ dtype }, ...dtypes) {
  if (!dtypes.includes(dtype)) throw new Lacks(`no ${dtype}`)
}
