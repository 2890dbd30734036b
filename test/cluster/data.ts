import { tallyOf } from '../../lib/evaluate/evaluate.ts'
import { type Plan, wholeRows } from '../../lib/evaluate/plan.ts'
import { type Inputs, openInputs } from '../../lib/evaluate/sources/open.ts'
import { npy, type testFolder } from '../evaluate/files.ts'

export const plan: Plan = {
  losses: [{ loss: 'mse' }, { loss: 'huber', options: { delta: 0.5 } }, { loss: 'logCosh' }],
}

/** Predictions whose sum in floating point depends on its order, in files. */
export function writeData(
  folder: ReturnType<typeof testFolder>,
  name: string,
  rows: number,
  seed = 1,
): Inputs {
  let state = seed
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  const pred = Float32Array.from({ length: rows }, () => (random() - 0.5) * 10 ** Math.floor(random() * 6))
  const target = Float32Array.from({ length: rows }, () => random() - 0.5)
  return {
    pred: folder.write(`${name}-pred.npy`, npy(pred)),
    target: folder.write(`${name}-target.npy`, npy(target)),
  }
}

/** The bytes of the tally of one process that reads everything from the first row to the last. */
export async function inOneProcess(inputs: Inputs, asked = plan): Promise<Uint8Array> {
  const source = await openInputs(inputs, { wholeRows: wholeRows(asked) })
  return (await tallyOf(source, asked)).toBytes()
}
