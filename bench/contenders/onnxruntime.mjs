import { createRequire } from 'node:module'
import { foldedShape } from '../cases.mjs'
import { model, op } from '../onnx/model.mjs'
import { entryOf, requireDtype } from './contender.mjs'

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

const bce = [
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
]

const picked = [
  op('GatherElements', 'log t', 'picked', { axis: 1 }),
  op('ReduceMean', 'picked', 'mean', { keepdims: 0 }),
  op('Neg', 'mean', 'value'),
]

/** Of the first input, `x`, and the second, `t`. */
const values = {
  mse: [op('Sub', 'x t', 'd'), op('Mul', 'd d', 'loss'), ...mean('loss')],
  mae: [op('Sub', 'x t', 'd'), op('Abs', 'd', 'loss'), ...mean('loss')],
  hinge: [op('Mul', 'x t', 'xt'), op('Sub', 'one xt', 'm'), op('Relu', 'm', 'loss'), ...mean('loss')],
  klDiv: [op('Log', 't', 'log'), op('Sub', 'log x', 'd'), op('Mul', 't d', 'loss'), ...mean('loss')],
  bceWithLogits: bce,
  multilabelSoftMargin: bce,
  crossEntropy: [op('LogSoftmax', 'x', 'log', { axis: 1 }), ...picked],
  dice: [
    op('Mul', 'x t', 'xt'),
    op('ReduceSum', 'xt axes', 'inter', { keepdims: 0 }),
    op('ReduceSum', 'x axes', 'ofX', { keepdims: 0 }),
    op('ReduceSum', 't axes', 'ofT', { keepdims: 0 }),
    op('Add', 'ofX ofT', 'all'),
    op('Add', 'inter inter', 'twice'),
    op('Div', 'twice all', 'share'),
    op('ReduceMean', 'share', 'shares', { keepdims: 0 }),
    op('Sub', 'one shares', 'value'),
  ],
  infoNce: [
    op('LpNormalization', 'x', 'q', { axis: 1 }),
    op('LpNormalization', 't', 'k', { axis: 1 }),
    op('Transpose', 'k', 'kT', { perm: [1, 0] }),
    op('MatMul', 'q kT', 'cosines'),
    op('Div', 'cosines temperature', 'scores'),
    op('LogSoftmax', 'scores', 'logs', { axis: 1 }),
    op('GatherElements', 'logs own', 'picked', { axis: 1 }),
    op('ReduceMean', 'picked', 'mean', { keepdims: 0 }),
    op('Neg', 'mean', 'value'),
  ],
}

const grads = {
  mse: [op('Mul', 'd 2/n', 'grad')],
  mae: [op('Sign', 'd', 'sign'), op('Mul', 'sign 1/n', 'grad')],
  bceWithLogits: [op('Sigmoid', 'x', 'p'), op('Sub', 'p t', 'p-t'), op('Mul', 'p-t 1/n', 'grad')],
  crossEntropy: [
    op('Exp', 'log', 'p'),
    op('ScatterElements', 'p t minus', 'p-t', { axis: 1, reduction: 'add' }),
    op('Mul', 'p-t 1/n', 'grad'),
  ],
}

/** @param {import('./contender.mjs').Case} item */
function build({ loss, wantsGrad, size, scale }) {
  const operators = [...entryOf(values, loss.name), ...(wantsGrad ? entryOf(grads, loss.name) : [])]
  const needed = new Set(operators.flatMap(({ inputs }) => inputs))
  const isElements = loss.driver === 'elements'
  const shape = isElements ? foldedShape(size.elements) : size.shape
  const [rows] = shape
  const hasLabels = loss.driver === 'rows'
  /** @type {Record<string, import('../onnx/model.mjs').Port>} */
  const inputs = {
    x: { type: 'float32', shape },
    t: hasLabels ? { type: 'int64', shape: [rows, 1] } : { type: 'float32', shape },
  }
  if (needed.has('minus')) inputs.minus = { type: 'float32', shape: [rows, 1] }
  if (needed.has('own')) inputs.own = { type: 'int64', shape: [rows, 1] }
  const constants = { one: 1, temperature: 0.07, '1/n': scale, '2/n': 2 * scale, axes: [1] }
  return {
    shape,
    inputs,
    graph: model({
      inputs,
      operators,
      outputs: {
        value: { type: 'float32', shape: [] },
        ...(wantsGrad && { grad: { type: 'float32', shape } }),
      },
      constants: Object.fromEntries(Object.entries(constants).filter(([name]) => needed.has(name))),
    }),
  }
}

/** @param {import('./contender.mjs').Surroundings} surroundings @returns {import('./contender.mjs').Contender} */
export function load({ threads }) {
  const ort = require('onnxruntime-node')
  return {
    name: 'onnxruntime',
    version: require('onnxruntime-node/package.json').version,
    note: `CPU provider, ${threads} threads, losses and gradients composed of operators, int64 labels; it gives gradients in new arrays`,
    async prepare(item) {
      requireDtype(item, 'float32')
      const { shape, inputs, graph } = build(item)
      const session = await ort.InferenceSession.create(graph, {
        executionProviders: ['cpu'],
        intraOpNumThreads: threads,
        graphOptimizationLevel: 'all',
        logSeverityLevel: 3,
      })
      const [rows] = shape
      const tensor = data =>
        data instanceof Int32Array
          ? new ort.Tensor('int64', BigInt64Array.from(data, BigInt), [rows, 1])
          : new ort.Tensor('float32', data, shape)
      const fixed = {
        ...(inputs.minus && {
          minus: new ort.Tensor('float32', new Float32Array(rows).fill(-1), [rows, 1]),
        }),
        ...(inputs.own && { own: tensor(Int32Array.from({ length: rows }, (_, row) => row)) }),
      }
      const feeds = item.sets.map(set => {
        const [x, t] = Object.values(set.inputs)
        return { x: tensor(x), t: tensor(t), ...fixed }
      })
      const run = async set => {
        const { value, grad } = await session.run(feeds[set])
        return { value: value.data[0], grads: grad && { [item.loss.grads[0]]: grad.data } }
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
