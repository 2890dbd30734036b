import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { foldedShape } from '../cases.mjs'
import { model, op } from '../onnx/model.mjs'

/**
 * onnxruntime has no losses outside of its training build, which npm does not have: they are composed of its operators, the
 * stable way. SoftmaxCrossEntropyLoss is there, but takes two to four times as long as LogSoftmax and a gather.
 *
 * Means are taken in two steps, over rows and then over their means. In one step they are added up in float32 one after the
 * other, and at 2^25 elements are wrong in the third digit.
 */

const require = createRequire(new URL('../peers/package.json', import.meta.url))

const mean = input => [
  op('ReduceMean', `${input} axes`, 'means', { keepdims: 0 }),
  op('ReduceMean', 'means', 'value', { keepdims: 0 }),
]

const value = {
  mse: [op('Sub', 'x t', 'd'), op('Mul', 'd d', 'loss'), ...mean('loss')],
  bceWithLogits: [
    op('Relu', 'x', 'relu'),
    op('Mul', 'x t', 'xt'),
    op('Sub', 'relu xt', 'linear'),
    op('Abs', 'x', 'abs'),
    op('Neg', 'abs', 'neg'),
    op('Exp', 'neg', 'exp'),
    op('Add', 'exp one', '1+exp'),
    op('Log', '1+exp', 'log'),
    op('Add', 'linear log', 'loss'),
    ...mean('loss'),
  ],
  crossEntropy: [
    op('LogSoftmax', 'x', 'log', { axis: 1 }),
    op('GatherElements', 'log t', 'picked', { axis: 1 }),
    op('ReduceMean', 'picked', 'mean', { keepdims: 0 }),
    op('Neg', 'mean', 'value'),
  ],
}

const grad = {
  mse: [op('Mul', 'd 2/n', 'grad')],
  bceWithLogits: [op('Sigmoid', 'x', 'p'), op('Sub', 'p t', 'p-t'), op('Mul', 'p-t 1/n', 'grad')],
  crossEntropy: [
    op('Exp', 'log', 'p'),
    op('ScatterElements', 'p t minus', 'p-t', { axis: 1, reduction: 'add' }),
    op('Mul', 'p-t 1/n', 'grad'),
  ],
}

/** @param {import('./contender.mjs').Case} item */
function build({ loss, wantsGrad, size }) {
  const { elements, rows, classes } = size
  const n = rows || elements
  const shape = rows ? [rows, classes] : foldedShape(elements)
  /** @type {Record<string, import('../onnx/model.mjs').Port>} */
  const inputs = {
    x: { type: 'float32', shape },
    t: rows ? { type: 'int64', shape: [rows, 1] } : { type: 'float32', shape },
  }
  if (rows && wantsGrad) inputs.minus = { type: 'float32', shape: [rows, 1] }
  return {
    shape,
    graph: model({
      inputs,
      operators: [...value[loss], ...(wantsGrad ? grad[loss] : [])],
      outputs: {
        value: { type: 'float32', shape: [] },
        ...(wantsGrad && { grad: { type: 'float32', shape } }),
      },
      constants: { one: 1, '1/n': 1 / n, '2/n': 2 / n, axes: [1] },
    }),
  }
}

/** @returns {import('./contender.mjs').Contender} */
export function load() {
  const ort = require('onnxruntime-node')
  const threads = availableParallelism()
  return {
    name: 'onnxruntime',
    version: require('onnxruntime-node/package.json').version,
    note: `CPU provider, ${threads} threads, losses and gradients composed of operators, int64 labels; it gives gradients in new arrays`,
    async prepare(item) {
      const { shape, graph } = build(item)
      const session = await ort.InferenceSession.create(graph, {
        executionProviders: ['cpu'],
        intraOpNumThreads: threads,
        graphOptimizationLevel: 'all',
        logSeverityLevel: 3,
      })
      const { rows } = item.size
      const feeds = item.sets.map(({ pred, target }) => ({
        x: new ort.Tensor('float32', pred, shape),
        t: rows
          ? new ort.Tensor('int64', BigInt64Array.from(target, BigInt), [rows, 1])
          : new ort.Tensor('float32', target, shape),
        ...(rows &&
          item.wantsGrad && { minus: new ort.Tensor('float32', new Float32Array(rows).fill(-1), [rows, 1]) }),
      }))
      const run = async set => {
        const { value, grad } = await session.run(feeds[set])
        return { value: value.data[0], grad: grad?.data }
      }
      return [
        {
          async: true,
          call: async set => (await run(set)).value,
          check: () => run(0),
          dispose: () => session.release(),
        },
      ]
    },
  }
}
