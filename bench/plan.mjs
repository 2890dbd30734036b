import { nameOf } from './cases.mjs'
import { sizeOf } from './losses/loss.mjs'

/**
 * What is measured, in order. Cases of the same data stand together: it is drawn once for them.
 *
 * @typedef {object} Entry
 * @property {string} loss
 * @property {import('./losses/loss.mjs').Size} size
 * @property {import('./cases.mjs').Form} form
 * @property {import('./storage.mjs').Dtype} dtype
 */

/** @param {number} exponent */
const power = exponent => sizeOf([2 ** exponent], `2^${exponent}`)

const both = /** @type {const} */ (['value', 'value+grad'])
const everyForm = /** @type {const} */ (['value', 'value+grad', 'in place'])

/** @returns {Entry[]} */
const cross = (losses, sizes, forms = both, dtypes = ['float32']) =>
  dtypes.flatMap(dtype =>
    sizes.flatMap(size => losses.flatMap(loss => forms.map(form => ({ loss, size, form, dtype })))),
  )

const regressions = ['mae', 'huber', 'logCosh']
const classifications = ['sigmoidFocal', 'hinge', 'klDiv']
const halves = ['bfloat16', 'float16']
const classRows = [sizeOf([4096, 10]), sizeOf([1024, 1000]), sizeOf([256, 32000]), sizeOf([128, 128256])]

/** At most a quarter of an hour. @returns {Entry[]} */
const full = () => [
  ...[4, 8, 12, 14, 16, 18, 20, 22, 25].map(power).flatMap(size => cross(['mse', 'bceWithLogits'], [size])),
  ...[16, 22, 25].map(power).flatMap(size => cross([...regressions, ...classifications], [size])),
  ...cross(['mse', 'bceWithLogits'], [power(20), power(24)], both, ['float64', ...halves]),
  ...classRows.flatMap(size => cross(['crossEntropy'], [size], everyForm)),
  ...cross(['crossEntropy'], [sizeOf([256, 32000])], everyForm, halves),
  ...cross(['triplet', 'contrastive'], [sizeOf([256, 256]), sizeOf([4096, 256]), sizeOf([32768, 256])]),
  ...cross(['giou'], [sizeOf([2 ** 12, 4]), sizeOf([2 ** 16, 4]), sizeOf([2 ** 21, 4])]),
  ...cross(['dice'], [sizeOf([4, 128 * 128]), sizeOf([16, 256 * 256]), sizeOf([128, 256 * 256])]),
  ...cross(['multilabelSoftMargin'], [sizeOf([1024, 80]), sizeOf([2 ** 17, 80])]),
  ...cross(['ctc'], [sizeOf([200, 64, 128])]),
  ...cross(['infoNce'], [sizeOf([4096, 256])]),
]

/** Every aim, once. @returns {Entry[]} */
const quick = () => [
  ...cross(['mse', 'bceWithLogits'], [power(16), power(20)]),
  ...cross(['mse', ...regressions, 'bceWithLogits', ...classifications], [power(22)]),
  ...cross(['mse', 'bceWithLogits'], [power(23)], both, halves),
  ...classRows.flatMap(size => cross(['crossEntropy'], [size], ['value', 'in place'])),
  ...cross(['triplet', 'contrastive'], [sizeOf([16384, 256])], ['value']),
  ...cross(['giou'], [sizeOf([2 ** 21, 4])], ['value']),
  ...cross(['dice'], [sizeOf([128, 256 * 256])], ['value']),
  ...cross(['multilabelSoftMargin'], [sizeOf([2 ** 16, 80])], ['value']),
  ...cross(['ctc'], [sizeOf([200, 16, 128])], ['value']),
  ...cross(['infoNce'], [sizeOf([4096, 256])]),
  ...cross(['mse'], [power(25)], ['value']),
]

/** Calls on so little that the call is all that costs. @returns {Entry[]} */
const smallCalls = () => [
  ...cross(['mse', 'bceWithLogits'], [sizeOf([16], '16 elements')]),
  ...cross(['crossEntropy'], [sizeOf([1, 16])]),
]

/**
 * @param {boolean} isQuick
 * @param {RegExp} only which cases, by name
 * @param {Record<string, import('./losses/loss.mjs').Loss>} losses
 */
export function makePlan(isQuick, only, losses) {
  const wanted = entries =>
    entries.filter(({ loss, size, form, dtype }) => only.test(nameOf(losses[loss], size, form, dtype)))
  return { cases: wanted(isQuick ? quick() : full()), small: wanted(smallCalls()) }
}
