import * as losskit from 'losskit'
import { makeSet } from './data.mjs'

const losses = new Map(Object.entries(losskit))

/** Inputs of losses, to see what their gradients are called. */
const smallest = {
  crossEntropy: [[[0, 0]], [0]],
  linearCrossEntropy: [[[0, 0]], [[0, 0]], [0]],
  others: [[[0, 0]], [[0, 0]]],
}

/** What is wrong with a value that the device gives, whose bits are to be those of the processor. */
function checkBits(loss, inputs) {
  const expected = loss(...inputs)
  return async value =>
    Object.is(value, expected)
      ? undefined
      : `the device gives ${value}, the processor ${expected}: the bits differ`
}

/** The same where they are not, and the processor would take minutes for all rows: a few must be as near as bfloat16 lets them be. */
function checkRows(loss, [input, classes, labels], count = 8) {
  const columns = input.shape[1]
  const rows = { ...input, data: input.data.slice(0, count * columns), shape: [count, columns] }
  const expected = loss(rows, classes, labels.data.slice(0, count), { reduction: 'none' })
  return async (_, tensors) => {
    const found = await loss(...tensors, { reduction: 'none', matmul: 'cublas' }).read()
    const off = Math.max(...expected.map((value, i) => Math.abs(found[i] - value)))
    return off < 0.1 ? undefined : `the device is off by ${off} in one of the first ${count} rows`
  }
}

/**
 * losskit's runners of a case, as rounds.mjs takes them: calls are put into the stream of the device, and the time is that until
 * all are done.
 *
 * @param {import('losskit').Device} gpu
 * @param {import('./cases.mjs').Case} item
 * @param {number} sets so many that together they are larger than the caches of the device
 * @returns {Promise<{ runners: import('../rounds.mjs').Runner[], value: number, dispose: () => void }>}
 */
export async function prepare(gpu, item, sets) {
  const loss = losses.get(item.loss)
  const wantsGrad = item.form !== 'value'
  const isLinear = item.loss === 'linearCrossEntropy'
  const tensors = []
  const keep = tensor => {
    tensors.push(tensor)
    return tensor
  }
  let check
  const all = []
  for (let i = 0; i < sets; i++) {
    const inputs = makeSet(item)
    check ??= isLinear ? checkRows(loss, inputs) : checkBits(loss, inputs)
    all.push(inputs.map(({ data, ...more }) => keep(gpu.upload({ data, ...more }))))
  }
  const names = wantsGrad ? Object.keys(loss.grad(...(smallest[item.loss] ?? smallest.others))) : []
  const out = Object.fromEntries(
    names.map((name, i) => [name, keep(gpu.tensor(item.dtype, all[0][i].shape))]),
  )
  const options = { ...(wantsGrad && { out }), ...(isLinear && { matmul: 'cublas' }) }
  const bound = all.map(inputs => loss.bind(...inputs, { grad: wantsGrad, ...options }))
  const call = wantsGrad ? loss.valueAndGrad : loss

  const value = await bound[0]().read()
  const wrong = await check(value, all[0])
  if (wrong !== undefined) throw new Error(`${item.name}: ${wrong}`)

  /** @param {(set: number) => unknown} run */
  const timed = run => async (first, repeat) => {
    await gpu.synchronize()
    const begin = performance.now()
    for (let i = 0; i < repeat; i++) run((first + i) % sets)
    await gpu.synchronize()
    return (performance.now() - begin) * 1e6
  }
  const runners = [{ name: 'losskit', sample: timed(set => bound[set]()) }]
  if (item.isSmall) {
    runners.push({ name: 'losskit, call', sample: timed(set => call(...all[set], options)) })
    runners.push({
      name: 'losskit, each read',
      async sample(first, repeat) {
        const begin = performance.now()
        for (let i = 0; i < repeat; i++) await bound[(first + i) % sets]().read()
        return (performance.now() - begin) * 1e6
      },
    })
  }
  return {
    runners,
    value,
    dispose() {
      for (const tensor of tensors) tensor.dispose()
      gpu.trim()
    },
  }
}
