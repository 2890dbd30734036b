/** What calls give back, by the types of their arguments. Compiled by types.test.ts, never run. */

import {
  alloc,
  bceWithLogits,
  crossEntropy,
  cuda,
  type DeviceStream,
  type DeviceTensor,
  type DeviceValue,
  type Float16ArrayLike,
  gaussianNll,
  huber,
  klDiv,
  linearCrossEntropy,
  lsGan,
  marginRanking,
  mse,
  nll,
  type Reduction,
  rmse,
} from '../../lib/index.ts'
import { same } from './equal.ts'

declare const f32: Float32Array
declare const f64: Float64Array
declare const labels: Int32Array
declare const numbers: number[]
declare const either: Float32Array | Float64Array
declare const half: { data: Uint16Array; dtype: 'bfloat16'; shape: number[] }
declare const matrix: { data: Float32Array; dims: readonly number[]; type: 'float32' }
declare const float16: Float16ArrayLike
declare const reduction: Reduction
declare const maybe: AbortSignal | undefined

const value = mse(f32, f32)
same<typeof value, number>()
const sum = mse(f32, f32, { reduction: 'sum', divisor: undefined })
same<typeof sum, number>()

const values32 = mse(f32, f32, { reduction: 'none' })
same<typeof values32, Float32Array>()
const values64 = mse(f64, f32, { reduction: 'none', out: f64 })
same<typeof values64, Float64Array>()
const valuesHalf = mse(half, half, { reduction: 'none' })
same<typeof valuesHalf, Float32Array>()
const valuesEither = mse(either, numbers, { reduction: 'none' })
same<typeof valuesEither, Float32Array | Float64Array>()
const valueOrValues = mse(f32, f32, { reduction })
same<typeof valueOrValues, number | Float32Array>()

// Plain numbers are float64, unless a narrower tensor stands beside them.
const plain = mse(numbers, numbers, { reduction: 'none' })
same<typeof plain, Float64Array>()
const plainBesideLabels = mse(numbers, labels, { reduction: 'none' })
same<typeof plainBesideLabels, Float64Array>()
const plainBeside32 = mse(numbers, f32, { reduction: 'none' })
same<typeof plainBeside32, Float32Array>()
const plainBesideHalf = mse([1, 2], half, { reduction: 'none' })
same<typeof plainBesideHalf, Float32Array>()

// A gradient has the type of its input and stands under its name.
const grad = huber.grad(f32, f32, { delta: 2 })
same<typeof grad.pred, Float32Array>()
const gradHalf = mse.grad(half, f32)
same<typeof gradHalf.pred, Uint16Array>()
const gradMatrix = crossEntropy.grad(matrix, labels)
same<typeof gradMatrix.logits, Float32Array>()
const gradFloat16 = mse.grad(float16, f32)
same<typeof gradFloat16.pred, typeof float16>()
const gradPlain = nll.grad([[1, 2]], [0])
same<typeof gradPlain.logProbs, Float64Array>()

const both = crossEntropy.valueAndGrad(f64, labels, { out: { logits: f64 } })
same<typeof both.value, number>()
same<typeof both.grad.logits, Float64Array>()
const bothNone = bceWithLogits.valueAndGrad(f32, labels, {
  reduction: 'none',
  upstream: f32,
  posWeight: [1, 2],
})
same<typeof bothNone.value, Float32Array>()

const later = mse.async(f32, f32, { signal: maybe })
same<typeof later, Promise<number>>()
const laterGrad = mse.async.grad(f64, f64)
same<typeof laterGrad, Promise<{ readonly pred: Float64Array }>>()

const run = mse.bind(f32, f32)
same<ReturnType<typeof run>, number>()
same<typeof run.grad, undefined>()
const runGrad = mse.bind(f32, f32, { grad: true, reduction: 'none', out: { pred: f32, value: f32 } })
same<ReturnType<typeof runGrad>, Float32Array>()
same<typeof runGrad.grad, { readonly pred: Float32Array }>()
same<typeof runGrad.values, Float32Array>()

// Class labels are any integers, or plain numbers; probabilities need scores that show their rows.
crossEntropy(f32, labels)
crossEntropy(f32, new BigInt64Array(2))
crossEntropy(f32, [0, 1])
crossEntropy(matrix, matrix)
crossEntropy(matrix, f32)
crossEntropy([[1, 2]], [[0.5, 0.5]])
nll(matrix, { data: labels, shape: [4] })

const accumulator = crossEntropy.accumulator({ weight: numbers, ignoreIndex: 0 })
same<ReturnType<typeof accumulator.toBytes>, Uint8Array>()
accumulator.update(matrix, labels).merge(crossEntropy.accumulator.fromBytes(accumulator.toBytes()))
mse.accumulator({ reduction: 'sum' }).update(f32, f32, { weight: f32 })
const added = mse.accumulator().updateAsync(f32, f32, { weight: f32, signal: maybe })
same<typeof added, Promise<ReturnType<typeof mse.accumulator>>>()

// Losses of several gradients, and of other reductions.
const variances = gaussianNll.grad(f32, f32, f32)
same<typeof variances.mean, Float32Array>()
same<typeof variances.variance, Float32Array>()
const ranks = marginRanking.valueAndGrad(f64, f64, labels, { reduction: 'none' })
same<typeof ranks.value, Float64Array>()
same<typeof ranks.grad.x2, Float64Array>()
const divergence = klDiv(f32, f32, { reduction: 'batchmean', logTarget: true })
same<typeof divergence, number>()
const root = rmse.valueAndGrad(f32, f32, { reduction: 'mean', weight: f32 })
same<typeof root.value, number>()

// A discriminator's batches are computed each in its own type.
const judgement = lsGan.discriminator(f32, f64, { real: 2 })
same<typeof judgement, number>()
const judgements = lsGan.discriminator(f32, f64, { reduction: 'none', out: { fake: f64 } })
same<typeof judgements.real, Float32Array>()
same<typeof judgements.fake, Float64Array>()
const judged = lsGan.discriminator.valueAndGrad(half, numbers, { reduction: 'none' })
same<typeof judged.grad.real, Uint16Array>()
same<typeof judged.value.fake, Float64Array>()
const judge = lsGan.discriminator.bind(f32, f32, { grad: true })
same<typeof judge.grad.fake, Float32Array>()
const fooled = lsGan.generator.grad(f32, { target: 2 })
same<typeof fooled.fake, Float32Array>()

// Memory, by the name of what it holds.
const floats = alloc(4, 'float32')
same<typeof floats, Float32Array<ArrayBuffer>>()
const halves = alloc(4, 'bfloat16')
same<typeof halves, Uint16Array<ArrayBuffer>>()
const longs = alloc(4, 'int64')
same<typeof longs, BigInt64Array<ArrayBuffer>>()
const unnamed = alloc(4)
same<typeof unnamed, Float32Array<ArrayBuffer>>()
mse.grad(floats, floats, { out: { pred: floats } })

// Losses of device tensors.
declare const gpu32: DeviceTensor<'float32'>
declare const gpu64: DeviceTensor<'float64'>
declare const gpuHalf: DeviceTensor<'bfloat16'>
declare const gpuLabels: DeviceTensor<'int64'>
declare const gpuStream: DeviceStream

const gpuValue = mse(gpu32, gpu32)
same<typeof gpuValue, DeviceValue>()
const gpuSum = mse(gpu32, gpuLabels, { reduction: 'sum', stream: gpuStream, weight: gpu32 })
same<typeof gpuSum, DeviceValue>()
const gpuValues = mse(gpuHalf, gpuHalf, { reduction: 'none' })
same<typeof gpuValues, DeviceTensor<'float32'>>()
const gpuValues64 = huber(gpu64, gpu32, { reduction: 'none', delta: 2, out: gpu64 })
same<typeof gpuValues64, DeviceTensor<'float64'>>()
const gpuEither = mse(gpu32, gpu32, { reduction })
same<typeof gpuEither, DeviceValue | DeviceTensor<'float32'>>()
const gpuGrad = mse.grad(gpuHalf, gpu32)
same<typeof gpuGrad.pred, DeviceTensor<'bfloat16'>>()
const gpuBoth = crossEntropy.valueAndGrad(gpu32, gpuLabels, { out: { logits: gpu32 }, weight: gpu32 })
same<typeof gpuBoth.value, DeviceValue>()
same<typeof gpuBoth.grad.logits, DeviceTensor<'float32'>>()
const gpuPosWeight = bceWithLogits(gpu32, gpu32, { posWeight: gpu32 })
same<typeof gpuPosWeight, DeviceValue>()
const gpuProbabilities = crossEntropy(gpu32, gpu32)
same<typeof gpuProbabilities, DeviceValue>()
const gpuGaussian = gaussianNll.grad(gpu32, gpu32, gpu32)
same<typeof gpuGaussian.variance, DeviceTensor<'float32'>>()
const gpuNumbers = gpuLabels.read()
same<typeof gpuNumbers, Promise<BigInt64Array<ArrayBuffer>>>()
const uploaded = cuda.device(0).upload(f32, { dtype: 'float32' })
same<typeof uploaded, DeviceTensor<'float32'>>()
const uploadedHalf = cuda.device(0).upload(half)
same<typeof uploadedHalf, DeviceTensor<'bfloat16'>>()
const uploadedLabels = cuda.device(0).upload(labels, { shape: [2, 2] })
same<typeof uploadedLabels, DeviceTensor<'int32'>>()
const uploadedNumbers = cuda.device(0).upload([1, 2])
same<typeof uploadedNumbers, DeviceTensor<'float32'>>()
const uploadedMatrix = cuda.device(0).upload(matrix)
same<typeof uploadedMatrix, DeviceTensor<'float32'>>()
const uploadedFloat16 = cuda.device(0).upload(float16)
same<typeof uploadedFloat16, DeviceTensor<'float16'>>()

// Other forms of them.
const gpuRun = mse.bind(gpu32, gpu32, { stream: gpuStream })
same<ReturnType<typeof gpuRun>, DeviceValue>()
same<typeof gpuRun.grad, undefined>()
const gpuRunGrad = mse.bind(gpuHalf, gpu32, { grad: true, reduction: 'none', out: { pred: gpuHalf } })
same<ReturnType<typeof gpuRunGrad>, DeviceTensor<'float32'>>()
same<typeof gpuRunGrad.grad, { readonly pred: DeviceTensor<'bfloat16'> }>()
same<typeof gpuRunGrad.values, DeviceTensor<'float32'>>()
const gpuLater = mse.async(gpu32, gpu32, { signal: maybe, stream: gpuStream })
same<typeof gpuLater, Promise<number>>()
const gpuLaterValues = mse.async(gpu64, gpu32, { reduction: 'none' })
same<typeof gpuLaterValues, Promise<DeviceTensor<'float64'>>>()
const gpuLaterGrad = rmse.async.grad(gpu64, gpu64)
same<typeof gpuLaterGrad, Promise<{ readonly pred: DeviceTensor<'float64'> }>>()
const gpuAdded = mse.accumulator().updateAsync(gpu32, gpu32, { weight: gpu32, stream: gpuStream })
same<typeof gpuAdded, Promise<ReturnType<typeof mse.accumulator>>>()
crossEntropy.accumulator({ weight: numbers }).updateAsync(gpu32, gpuLabels)
const gpuLinear = linearCrossEntropy(gpuHalf, gpuHalf, gpuLabels, { matmul: 'cublas', workspace: 2 ** 20 })
same<typeof gpuLinear, DeviceValue>()
linearCrossEntropy.accumulator({ matmul: 'cublas' }).updateAsync(gpuHalf, gpuHalf, gpuLabels)
const gpuJudgement = lsGan.discriminator(gpu32, gpu64, { real: 2, stream: gpuStream })
same<typeof gpuJudgement, DeviceValue>()
const gpuJudged = lsGan.discriminator.valueAndGrad(gpuHalf, gpu64, { reduction: 'none' })
same<typeof gpuJudged.value.real, DeviceTensor<'float32'>>()
same<typeof gpuJudged.grad.real, DeviceTensor<'bfloat16'>>()
same<typeof gpuJudged.grad.fake, DeviceTensor<'float64'>>()
const gpuJudge = lsGan.discriminator.bind(gpu32, gpu32, { grad: true })
same<ReturnType<typeof gpuJudge>, DeviceValue>()
same<typeof gpuJudge.grad.fake, DeviceTensor<'float32'>>()
const gpuJudgedLater = lsGan.discriminator.async(gpu32, gpu32)
same<typeof gpuJudgedLater, Promise<number>>()
lsGan.discriminator.accumulator().updateAsync(gpu32, gpu64)
