/**
 * The calls that are counted, through the addon and all that is before it: what a user's loop costs. Run as a program, it makes
 * one of them so many times: `node calls.mjs <name> <times>`.
 */

/** For each call, how often it is made before the counting and while it lasts. */
export const calls = {
  'mse, 16 elements': 20000,
  'mse bound, 16 elements': 20000,
  'mse.valueAndGrad into an array, 16 elements': 20000,
  'mse bfloat16, 4096 elements': 2000,
}

/** @param {typeof import('losskit')} losskit @returns {Record<keyof typeof calls, () => number>} */
function prepare({ mse }) {
  const pred = Float32Array.from({ length: 16 }, (_, i) => Math.sin(i))
  const target = Float32Array.from({ length: 16 }, (_, i) => Math.cos(i))
  const out = { out: { pred: new Float32Array(16) } }
  const half = seed => ({
    data: Uint16Array.from({ length: 4096 }, (_, i) => 0x3f80 + ((seed * i) % 128)),
    dtype: /** @type {const} */ ('bfloat16'),
    shape: [4096],
  })
  const [a, b] = [half(3), half(7)]
  const bound = mse.bind(pred, target)
  return {
    'mse, 16 elements': () => mse(pred, target),
    'mse bound, 16 elements': () => bound(),
    'mse.valueAndGrad into an array, 16 elements': () => mse.valueAndGrad(pred, target, out).value,
    'mse bfloat16, 4096 elements': () => mse(a, b),
  }
}

const [, program, name, times] = process.argv
if (program === import.meta.filename) {
  const call = prepare(await import('losskit'))[name]
  let sum = 0
  for (let i = 0; i < Number(times); i++) sum += call()
  console.log(sum)
}
