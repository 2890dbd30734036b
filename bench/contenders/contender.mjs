/**
 * What each file of this folder gives.
 *
 * @typedef {import('../cases.mjs').Case} Case
 *
 * @typedef {object} Prepared a case made ready: only `call` (or `sample`) is timed
 * @property {string} [name] where one contender runs in several ways
 * @property {(set: number) => number | Promise<number>} [call] the loss of a set; a gradient goes to the set's `grad`
 * @property {boolean} [async]
 * @property {(first: number, repeat: number) => number | Promise<number>} [sample] nanoseconds, where another process is measured
 * @property {() => Promise<{ value: number, grad?: Float32Array }>} [check] the loss of set 0 and its gradient, where they
 *   are not the result of `call` and the set's `grad`
 * @property {number} [expected] set by the check: nanoseconds that it took
 * @property {() => void} [before]
 * @property {() => void} [after]
 * @property {string} [note] what a reader must know to compare
 * @property {() => void | Promise<void>} [dispose]
 *
 * @typedef {object} Contender
 * @property {string} name
 * @property {string} version
 * @property {string} [note]
 * @property {(item: Case) => Prepared[] | Promise<Prepared[]>} prepare throws where it lacks the case
 * @property {() => void | Promise<void>} [close]
 */
export {}
