import * as losskit from 'losskit'
import { makeSet } from './data.mjs'

const losses = new Map(Object.entries(losskit))

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
  const [gradient] = Object.keys(loss.grad([[0, 0]], item.loss === 'crossEntropy' ? [0] : [[0, 0]]))
  const tensors = []
  const keep = tensor => {
    tensors.push(tensor)
    return tensor
  }
  let expected
  const all = []
  for (let i = 0; i < sets; i++) {
    const inputs = makeSet(item)
    expected ??= loss(...inputs)
    all.push(inputs.map(({ data, ...more }) => keep(gpu.upload({ data, ...more }))))
  }
  const out = wantsGrad ? { [gradient]: keep(gpu.tensor(item.dtype, all[0][0].shape)) } : undefined
  const options = wantsGrad ? { out } : {}
  const bound = all.map(inputs => loss.bind(...inputs, { grad: wantsGrad, ...options }))
  const call = wantsGrad ? loss.valueAndGrad : loss

  const value = await bound[0]().read()
  if (!Object.is(value, expected)) {
    throw new Error(`${item.name}: the device gives ${value}, the processor ${expected}: the bits differ`)
  }

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
