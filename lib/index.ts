export type { Backend } from './backend/choose.ts'
export { type BackendReport, backend, setThreads } from './backend/report.ts'
export type { Device, DeviceMemoryReport, PlaceOptions, UploadOptions } from './cuda/device.ts'
export type { DeviceLoss } from './cuda/health.ts'
export { cuda } from './cuda/index.ts'
export type { CudaStatus } from './cuda/status.ts'
export type { DeviceEvent, DeviceStream } from './cuda/stream.ts'
export type { DeviceIpcHandle, DeviceTensor } from './cuda/tensor.ts'
export type { DeviceValue } from './cuda/value.ts'
export {
  type ErrorCode,
  LosskitBackendError,
  LosskitBufferError,
  LosskitDeviceError,
  LosskitDeviceMemoryError,
  LosskitDomainError,
  LosskitDtypeError,
  LosskitError,
  LosskitLabelError,
  LosskitLoadError,
  LosskitOptionError,
  LosskitShapeError,
  LosskitStateError,
} from './errors.ts'
export { infoNce, linearCrossEntropy, ntXent, siameseTriplet, supCon } from './losses/all-pairs.ts'
export { bce, bceWithLogits, sigmoidFocal } from './losses/binary.ts'
export { ciou, diou, giou, iou } from './losses/boxes.ts'
export { crossEntropy, nll, poly1, softmaxFocal } from './losses/categorical.ts'
export { hingeGan, lsGan, minimaxGan, nonSaturatingGan, wassersteinGan } from './losses/gan.ts'
export { hinge, hingeEmbedding, marginRanking, softMargin, squaredHinge } from './losses/margin.ts'
export {
  dice,
  focalTversky,
  lovaszHinge,
  lovaszSoftmax,
  maskIou,
  thresholdedIou,
  tversky,
} from './losses/masks.ts'
export { multiclassHinge, multiMargin } from './losses/multiclass.ts'
export { multilabelMargin, multilabelSoftMargin } from './losses/multilabel.ts'
export { contrastive, cosineEmbedding, gradientPenalty, triplet } from './losses/pairs.ts'
export { gaussianNll, klDiv, poissonNll } from './losses/probabilistic.ts'
export { huber, logCosh, mae, mape, mbe, mse, msle, quantile, rmse, smoothL1 } from './losses/regression.ts'
export { ctc } from './losses/sequences.ts'
export { type AllocatedArrays, alloc } from './tensor/alloc.ts'
export type {
  Float16ArrayLike,
  FloatArray,
  FloatTensor,
  IndexArray,
  LabelTensor,
  Tensor,
  TensorObject,
} from './tensor/types.ts'
export type { Accumulator, AccumulatorFactory, AccumulatorOptions } from './types/accumulator.ts'
export type { DeviceBoundLoss } from './types/device.ts'
export type {
  AsyncDiscriminator,
  BoundDiscriminator,
  DeviceBoundDiscriminator,
  Discriminator,
} from './types/discriminator.ts'
export type { AsyncLoss, AsyncMetric, BoundLoss, Loss, Metric } from './types/loss.ts'
export type { CallOptions } from './types/options.ts'
export type { Grad, Reduction, ValueAndGrad } from './types/results.ts'
