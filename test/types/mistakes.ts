/** Mistakes that must not compile. Checked by types.test.ts, never run. */

import {
  alloc,
  bce,
  crossEntropy,
  type DeviceStream,
  type DeviceTensor,
  hinge,
  huber,
  linearCrossEntropy,
  lsGan,
  minimaxGan,
  mse,
  nll,
  rmse,
} from '../../lib/index.ts'

declare const f32: Float32Array
declare const f64: Float64Array
declare const labels: Int32Array
declare const matrix: { data: Float32Array; shape: number[] }

// @ts-expect-error: the target is missing
mse(f32)
// @ts-expect-error: predictions must be floats
mse(labels, labels)
// @ts-expect-error: the target is wider than the predictions
mse(f32, f64)
// @ts-expect-error: no tensor
mse('1', f32)
// @ts-expect-error: whole numbers of 64 bits are signed
mse(f32, new BigUint64Array(1))

// @ts-expect-error: an option of another loss
mse(f32, f32, { delta: 1 })
// @ts-expect-error: a misspelt option
huber(f32, f32, { detla: 1 })
// @ts-expect-error: an option of the wrong type
huber(f32, f32, { delta: '1' })
// @ts-expect-error: no such reduction
huber(f32, f32, { reduction: 'batchmean' })
// @ts-expect-error: no such backend
huber(f32, f32, { backend: 'gpu' })
// @ts-expect-error: a signal stops asynchronous calls only
huber(f32, f32, { signal: AbortSignal.abort() })
// @ts-expect-error: a tensor of incoming gradients needs reduction 'none'
huber.grad(f32, f32, { upstream: f32 })

// @ts-expect-error: the reduced value is a number, there is nothing to fill
mse(f32, f32, { out: f32 })
// @ts-expect-error: values are float32 here
mse(f32, f32, { reduction: 'none', out: f64 })
// @ts-expect-error: the gradient stands under the name of its input
mse.grad(f32, f32, { out: { logits: f32 } })
// @ts-expect-error: the gradient is float32 here
mse.grad(f32, f32, { out: { pred: f64 } })
// @ts-expect-error: there is no value to keep, the mean is a number
mse.valueAndGrad(f32, f32, { out: { pred: f32, value: f32 } })
// @ts-expect-error: the gradient of mse is that of pred
mse.grad(f32, f32).logits
// @ts-expect-error: the gradient of crossEntropy is that of logits
crossEntropy.grad(matrix, labels).pred
// @ts-expect-error: a mean is a number
mse(f32, f32).length

// @ts-expect-error: floats are no class labels
nll(matrix, f32)
// @ts-expect-error: flat scores do not tell rows from classes, so the target must be labels
crossEntropy(f32, f32)
// @ts-expect-error: probabilities are wider than the scores
crossEntropy(matrix, f64)
// @ts-expect-error: labels of nll are flat
nll([[0, 1]], [[0, 1]])
// @ts-expect-error: nll has no smoothing
nll(matrix, labels, { labelSmoothing: 0.1 })

// @ts-expect-error: an accumulator gives one number
mse.accumulator({ reduction: 'none' })
// @ts-expect-error: weights of elements come with their batch
mse.accumulator({ weight: f32 })
// @ts-expect-error: weights of classes belong to the accumulator
crossEntropy.accumulator().update(matrix, labels, { weight: f32 })
// @ts-expect-error: floats are no class labels
nll.accumulator().update(matrix, f32)
// @ts-expect-error: nothing was asked of bind but the value
bce.bind(f32, f32).grad.pred

// @ts-expect-error: it has one value for a batch
rmse(f32, f32, { reduction: 'none' })
// @ts-expect-error: no such labels
hinge(f32, labels, { labels: '0/1' })
// @ts-expect-error: the scores of generated samples are missing
lsGan.discriminator(f32)
// @ts-expect-error: a discriminator takes no weights
lsGan.discriminator(f32, f32, { weight: f32 })
// @ts-expect-error: an option of the generator
lsGan.discriminator(f32, f32, { target: 1 })
// @ts-expect-error: each batch has incoming gradients of its own
lsGan.discriminator.grad(f32, f32, { reduction: 'none', upstream: f32 })
// @ts-expect-error: no such inputs
minimaxGan.generator(f32, { inputs: 'scores' })

// @ts-expect-error: no such type
alloc(4, 'float8')
// @ts-expect-error: how many elements, not which
alloc([4], 'float32')
// @ts-expect-error: labels are no floats
mse(alloc(4, 'int32'), f32)

declare const gpu32: DeviceTensor<'float32'>
declare const gpu64: DeviceTensor<'float64'>
declare const gpuLabels: DeviceTensor<'int32'>
declare const gpuStream: DeviceStream

// @ts-expect-error: the target lies in the memory of the host
mse(gpu32, f32)
// @ts-expect-error: the predictions lie in the memory of the host
mse(f32, gpu32)
// @ts-expect-error: the weights lie in the memory of the host
mse(gpu32, gpu32, { weight: f32 })
// @ts-expect-error: the weights lie on a device
mse(f32, f32, { weight: gpu32 })
// @ts-expect-error: the buffer lies in the memory of the host
mse.grad(gpu32, gpu32, { out: { pred: f32 } })
// @ts-expect-error: the target is wider than the predictions
mse(gpu32, gpu64)
// @ts-expect-error: predictions must be floats
mse(gpuLabels, gpuLabels)
// @ts-expect-error: floats are no class labels
nll(gpu32, gpu32)
// @ts-expect-error: device tensors are not computed on the CPU
mse(gpu32, gpu32, { backend: 'cpu' })
// @ts-expect-error: there is no number before the device has computed it
mse(gpu32, gpu32).toFixed()
// @ts-expect-error: a device is not done when update returns
mse.accumulator().update(gpu32, gpu32)
// @ts-expect-error: weights of a batch lie where it does
mse.accumulator().updateAsync(gpu32, gpu32, { weight: f32 })
// @ts-expect-error: the tensors of an accumulator's options are arrays
crossEntropy.accumulator({ weight: gpu32 })
// @ts-expect-error: nothing was asked of bind but the value
mse.bind(gpu32, gpu32).grad.pred
// @ts-expect-error: a bound call gives no number before the device has computed it
mse.bind(gpu32, gpu32)().toFixed()
// @ts-expect-error: the buffer lies in the memory of the host
mse.async.grad(gpu32, gpu32, { out: { pred: f32 } })
// @ts-expect-error: products of cuBLAS are for device tensors
linearCrossEntropy(matrix, matrix, labels, { matmul: 'cublas' })
// @ts-expect-error: so is the room for them
linearCrossEntropy.bind(matrix, matrix, labels, { workspace: 2 ** 20 })
// @ts-expect-error: no such way to multiply
linearCrossEntropy(gpu32, gpu32, gpuLabels, { matmul: 'fast' })
// @ts-expect-error: it belongs to the accumulator, not to the batch
linearCrossEntropy.accumulator().updateAsync(gpu32, gpu32, gpuLabels, { matmul: 'cublas' })
// @ts-expect-error: a stream is for device tensors
mse.async(f32, f32, { stream: gpuStream })
// @ts-expect-error: one batch of scores lies in the memory of the host
lsGan.discriminator(gpu32, f32)
// @ts-expect-error: whole numbers are no scores
lsGan.discriminator(gpu32, gpuLabels)
// @ts-expect-error: incoming gradients lie on the device too
lsGan.discriminator.grad(gpu32, gpu32, { reduction: 'none', upstream: { real: f32, fake: f32 } })
