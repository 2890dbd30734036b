/**
 * The losses of a trainer in another process, of tensors that both see: lines of JSON come in, one is answered by one.
 *
 *   { "loss", "options", "inputs": [handles], "grad": { input: handle } }   answered by {} once all is opened
 *   { "step": n }     what the tensors hold now; answered by { "value" } when value and gradient are there
 *
 * The end of the input ends it. What is wrong is answered by { "error" }.
 */

import { createInterface } from 'node:readline'
import * as losskit from 'losskit'

const { cuda } = losskit
const losses = new Map(Object.entries(losskit))

/** @param {import('losskit').DeviceIpcHandle} handle */
function open(handle) {
  const index = cuda.status().devices.findIndex(({ uuid }) => uuid === handle.uuid)
  return cuda.device(Math.max(index, 0)).openIpc(handle)
}

/** Tensors of the trainer, to be given back before it frees them. @type {import('losskit').DeviceTensor[]} */
const opened = []

function prepare({ loss, options, inputs, grad }) {
  const tensors = inputs.map(open)
  opened.push(...tensors)
  const out = Object.fromEntries(Object.entries(grad).map(([name, handle]) => [name, open(handle)]))
  opened.push(...Object.values(out))
  return losses.get(loss).bind(...tensors, { ...options, grad: true, out })
}

let run

async function answer(message) {
  if ('loss' in message) {
    run = prepare(message)
    return {}
  }
  // The value comes after the gradient, in the same stream: once it is read, both are there.
  return { value: await run().read() }
}

for await (const line of createInterface({ input: process.stdin })) {
  const told = await answer(JSON.parse(line)).catch(({ message }) => ({ error: message }))
  process.stdout.write(`${JSON.stringify(told)}\n`)
}
for (const tensor of opened) tensor.dispose()
