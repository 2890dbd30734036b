import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { foldedShape } from '../cases.mjs'
import { entryOf, requireDtype } from './contender.mjs'

/**
 * TensorFlow.js on WebAssembly. Its data is copied to the WebAssembly heap before the timing, and a call ends when the value
 * is read back. Gradients are the closed forms: the core package brings none of its own for these losses.
 */

const require = createRequire(new URL('../peers/package.json', import.meta.url))
/** A heap of at most 2 GiB has to hold the intermediate results too. */
const largestSet = 64 * 2 ** 20

/** @returns {Promise<import('./contender.mjs').Contender>} */
export async function load() {
  // Its own fetch of the .wasm file works on paths only while Node's fetch is not there to be preferred.
  const tf = require('@tensorflow/tfjs-core')
  const wasm = require('@tensorflow/tfjs-backend-wasm')
  const folder = dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'))
  wasm.setWasmPaths(join(folder, 'dist/'))
  if (!(await tf.setBackend('wasm'))) throw new Error('its wasm backend could not be initialised')
  const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')

  /** Intermediate results are given back as soon as they are used: they are what fills the heap. */
  const use = (fn, ...tensors) => {
    const result = fn(...tensors)
    for (const tensor of tensors) if (!kept.has(tensor) && tensor !== result) tensor.dispose()
    return result
  }
  /** Tensors that live as long as the case. */
  const kept = new Set()

  const scale = (tensor, factor) => {
    const result = tf.mul(tensor, factor)
    if (!kept.has(tensor)) tensor.dispose()
    return result
  }
  /** In two steps, as for onnxruntime: its float32 sums of 2^25 numbers are wrong in the second digit. */
  const mean = tensor =>
    use(
      tf.mean,
      use(rows => tf.mean(rows, 1), tensor),
    )
  const sumOfRows = tensor => {
    const [rows, classes] = tensor.shape
    const blocks = classes % 64 === 0 ? 64 : 1
    const folded = use(t => tf.reshape(t, [rows, blocks, classes / blocks]), tensor)
    return use(
      t => tf.sum(t, 1),
      use(t => tf.sum(t, 2), folded),
    )
  }

  const losses = {
    mse: {
      value: ({ x, t }) => [mean(tf.squaredDifference(x, t))],
      valueAndGrad({ x, t, n }) {
        const d = tf.sub(x, t)
        return [mean(tf.square(d)), scale(d, 2 / n)]
      },
    },
    mae: {
      value: ({ x, t }) => [mean(use(tf.abs, tf.sub(x, t)))],
      valueAndGrad({ x, t, n }) {
        const d = tf.sub(x, t)
        return [mean(tf.abs(d)), scale(use(tf.sign, d), 1 / n)]
      },
    },
    hinge: {
      value: ({ x, t }) => [
        mean(
          use(
            tf.relu,
            use(m => tf.sub(1, m), tf.mul(t, x)),
          ),
        ),
      ],
    },
    bceWithLogits: {
      // log1p(exp(-|x|)) = -log(sigmoid(|x|)): half the time of the other way, as stable
      value: ({ x, t }) => [
        mean(
          use(
            tf.sub,
            use(tf.sub, tf.relu(x), use(tf.mul, x, t)),
            use(tf.log, use(tf.sigmoid, use(tf.abs, x))),
          ),
        ),
      ],
      valueAndGrad: data => [
        ...losses.bceWithLogits.value(data),
        scale(use(tf.sub, use(tf.sigmoid, data.x), data.t), 1 / data.n),
      ],
    },
    crossEntropy: {
      value({ x, picks, n, classes }) {
        const max = tf.max(x, 1, true)
        const exp = use(tf.exp, tf.sub(x, max))
        const total = use(tf.log, sumOfRows(exp))
        const picked = use(tf.gather, tf.reshape(x, [n * classes]), picks)
        return [
          use(
            tf.mean,
            use(
              tf.sub,
              use(
                tf.add,
                total,
                use(m => tf.reshape(m, [n]), max),
              ),
              picked,
            ),
          ),
        ]
      },
      valueAndGrad: data => [
        ...losses.crossEntropy.value(data),
        scale(use(tf.sub, tf.softmax(data.x), tf.oneHot(data.t, data.classes)), 1 / data.n),
      ],
    },
  }

  return {
    name: 'tfjs-wasm',
    version: require('@tensorflow/tfjs-backend-wasm/package.json').version,
    note: `${simd ? 'SIMD' : 'no SIMD'}, 1 thread (its threads need a browser), int32 labels; data copied to its heap before the timing`,
    prepare(item) {
      requireDtype(item, 'float32')
      const { loss, wantsGrad, size, sets } = item
      const forms = entryOf(losses, loss.name)
      const form = entryOf(forms, wantsGrad ? 'valueAndGrad' : 'value')
      const isRows = loss.driver === 'rows'
      const shape = isRows ? size.shape : foldedShape(size.elements)
      const [rows, classes] = shape
      const used = sets.slice(0, Math.max(1, Math.floor(largestSet / (4 * size.elements))))
      const data = used.map(({ inputs }) => {
        const [scores, target] = Object.values(inputs)
        const picks = isRows && Int32Array.from(target, (label, row) => row * classes + label)
        return {
          x: tf.tensor2d(scores, shape),
          t: isRows ? tf.tensor1d(target, 'int32') : tf.tensor2d(target, shape),
          picks: picks ? tf.tensor1d(picks, 'int32') : undefined,
          n: isRows ? rows : size.elements,
          classes,
        }
      })
      for (const { x, t, picks } of data) for (const tensor of [x, t, picks]) if (tensor) kept.add(tensor)

      const run = (set, read) => {
        const [value, grad] = tf.tidy(() => form(data[set]))
        const number = value.dataSync()[0]
        const copy = read && grad ? grad.dataSync() : undefined
        value.dispose()
        grad?.dispose()
        return { value: number, grads: copy && { [loss.grads[0]]: copy } }
      }
      return [
        {
          call: set => run(set % data.length, false).value,
          check: async () => run(0, true),
          dispose() {
            for (const tensor of kept) tensor.dispose()
            kept.clear()
          },
        },
      ]
    },
  }
}
