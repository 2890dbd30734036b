/**
 * A worker or a process in which another addon comes first: its symbols stand before all others, and the floating-point mode
 * is what it has set, for losskit and for the threads that losskit starts. `beside.mjs <addon> <mode>`; one message holds calls,
 * and is answered with their results.
 */

import { constants } from 'node:os'
import { parentPort } from 'node:worker_threads'

const [, , file, mode] = process.argv
const module = { exports: {} }
process.dlopen(module, file, constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL)
const foreign = module.exports
foreign.setControlWord(Number(mode))

const losskit = await import('losskit')
losskit.setThreads(3)

function errorOf(act) {
  try {
    return act()
  } catch (error) {
    return { code: error.code, message: error.message }
  }
}

async function answer(calls) {
  const results = []
  for (const { lossName, inputs, options } of calls) {
    const { valueAndGrad, async } = losskit[lossName]
    results.push([valueAndGrad(...inputs, options), await async.valueAndGrad(...inputs, options)])
  }
  const empty = losskit.mse.grad(new Float32Array(), new Float32Array())
  const mistake = () => losskit.mse([1], [1, 2])
  const errors = [mistake, () => foreign.callThrough(mistake), () => foreign.throwError('broken')].map(
    errorOf,
  )
  return { results, empty, errors, controlWord: foreign.controlWord() }
}

if (parentPort) {
  parentPort.once('message', async calls => parentPort.postMessage(await answer(calls)))
} else {
  process.once('message', async calls => {
    process.send(await answer(calls), () => process.disconnect())
  })
}
