import { isHalf } from './storage.mjs'

/**
 * A case: a loss, a size, a storage type, and what is asked for.
 *
 * @typedef {import('./losses/loss.mjs').Loss} Loss
 * @typedef {import('./losses/loss.mjs').Size} Size
 * @typedef {import('./storage.mjs').Dtype} Dtype
 * @typedef {import('./storage.mjs').FloatData} FloatData
 * @typedef {'value' | 'value+grad' | 'in place'} Form in place: the gradient goes over its input
 * @typedef {{ inputs: Record<string, FloatData | Int32Array>, grads: Record<string, FloatData> }} DataSet
 *   `grads` is where gradients are written; all contenders share it
 *
 * @typedef {object} Case
 * @property {string} name
 * @property {Loss} loss
 * @property {Form} form
 * @property {boolean} wantsGrad
 * @property {Dtype} dtype
 * @property {Size} size
 * @property {Record<string, number[]>} shapes of the inputs
 * @property {'mean' | 'sum'} reduction a sum in half precision, where the gradient of a mean would be next to nothing
 * @property {number} scale what the reduction multiplies by
 * @property {DataSet[]} sets
 * @property {number} bytes necessary traffic: every input read once, every gradient written once
 */

/** @param {Loss} loss @param {Size} size @param {Form} form @param {Dtype} dtype */
export const nameOf = (loss, size, form, dtype) =>
  [loss.name, ...(dtype === 'float32' ? [] : [dtype]), size.label, form].join(' ')

/** @param {Loss} loss @param {Size} size @param {Form} form @param {Dtype} dtype @param {DataSet[]} sets @returns {Case} */
export function makeCase(loss, size, form, dtype, sets) {
  const wantsGrad = form !== 'value'
  const reduction = isHalf(dtype) ? 'sum' : 'mean'
  return {
    name: nameOf(loss, size, form, dtype),
    loss,
    form,
    wantsGrad,
    dtype,
    size,
    shapes: loss.shapes(size),
    reduction,
    scale: reduction === 'mean' ? 1 / loss.samples(size) : 1,
    sets,
    bytes: traffic(sets[0], wantsGrad),
  }
}

/** @param {Record<string, ArrayBufferView>} arrays */
const bytesOf = arrays => Object.values(arrays).reduce((sum, { byteLength }) => sum + byteLength, 0)

/** @param {DataSet} set @param {boolean} wantsGrad */
export const traffic = ({ inputs, grads }, wantsGrad) => bytesOf(inputs) + (wantsGrad ? bytesOf(grads) : 0)

/**
 * The walks through memory that a case cannot do without: each gradient is written beside its input, and a further input is
 * read beside one of its length.
 *
 * @param {DataSet} set
 * @param {Form} form
 * @returns {import('./machine.mjs').Arrays[]}
 */
export function transfersOf({ inputs, grads }, form) {
  /** @type {import('./machine.mjs').Arrays[]} */
  const walks = []
  for (const [name, input] of Object.entries(inputs)) {
    const grad = form === 'value' ? undefined : grads[name]
    // An update in place is shown on the gradient's array: the input has to stay what it is.
    const first = form === 'in place' && grad ? grad : input
    const partner = grad ? undefined : walks.find(w => !w.second && w.first.byteLength === input.byteLength)
    if (partner) partner.second = input
    else walks.push({ first, ...(grad && { out: grad }) })
  }
  return walks
}

/**
 * Elements as rows, for libraries whose float32 means need two steps to be right.
 *
 * @param {number} elements
 * @returns {[number, number]}
 */
export function foldedShape(elements) {
  const columns = Math.min(elements, Math.max(64, elements / 2 ** 14))
  return [elements / columns, columns]
}
