import { slots } from '../backend/binding.ts'
import type { Definition } from '../definition.ts'
import { LosskitShapeError } from '../errors.ts'
import { showShape } from '../show.ts'
import { computeType, conform, requireFloat } from '../tensor/compute.ts'
import { type Dense, readTensor } from '../tensor/read.ts'
import { sameShape, sizeOf } from '../tensor/shape.ts'
import type { Driver } from './driver.ts'
import { readInputs } from './inputs.ts'
import { readLabels, showLabels } from './labels.ts'
import { readSampleWeights } from './samples.ts'
import { extent, requireSameShape } from './shapes.ts'

/** Two masks for each image, [B, …]. */
export const masks: Driver = {
  name: 'masks',
  weighs: 'values',
  inPlace: true,
  read: (loss, { weight }, given) => readMasks(loss, weight, given, true),
}

/** The same, where the whole batch is one image unless `perImage` is set. */
export const pooledMasks: Driver = {
  name: 'masks',
  weighs: 'values',
  inPlace: false,
  read: (loss, { numbers, weight }, given) => readMasks(loss, weight, given, isPerImage(numbers)),
}

/** A probability for every class and pixel, [B, C, …], and a label for every pixel, [B, …]; pooled like the other. */
export const pooledClassMasks: Driver = {
  name: 'masks',
  weighs: 'values',
  inPlace: false,

  read(loss, { numbers, weight }, given) {
    const pred = readTensor(loss.name, 'pred', given[0])
    requireFloat(loss.name, 'pred', pred)
    const compute = computeType([pred])
    const [images, classes, ...pixels] = shapeOf(loss, pred)
    const labels = readLabels(loss, 'target', given[1])
    requirePixels(loss, pred, labels, [images, ...pixels])
    const rows = labels.data.length === 0 ? 0 : isPerImage(numbers) ? images : 1
    return {
      tensors: [conform(loss.name, 'pred', pred, compute), labels],
      weight: readSampleWeights(loss, weight, [rows], compute),
      rows,
      columns: rows === 0 ? 0 : sizeOf(pixels),
      others: rows === 0 ? 0 : classes,
      inner: rows === 0 ? 0 : images / rows,
      hasLabels: true,
      compute,
    }
  },

  labels: numbers => showLabels(numbers, slots.others),
}

function readMasks(loss: Definition, weight: unknown, given: readonly unknown[], perImage: boolean) {
  const { tensors, compute } = readInputs(loss, given)
  const [pred, target] = tensors as [Dense, Dense]
  requireSameShape(loss, 1, target, pred)
  const rows = imagesOf(loss, pred, perImage)
  const columns = rows === 0 ? 0 : pred.data.length / rows
  return { tensors, weight: readSampleWeights(loss, weight, [rows], compute), rows, columns, compute }
}

/** How many images there are: none where there are no pixels. */
function imagesOf(loss: Definition, pred: Dense, perImage: boolean): number {
  const { shape, data } = pred
  const images = perImage && shape !== undefined && shape.length > 1 ? (shape[0] as number) : 1
  if (data.length > 0 || images === 0) return images
  if (images === 1) return 0
  throw new LosskitShapeError(
    `${loss.name}: pred has ${extent(pred)}. An image must have at least one pixel.`,
  )
}

/** The first number of the loss's own is `perImage`. */
function isPerImage(numbers: readonly number[]): boolean {
  return numbers[slots.params] !== 0
}

function shapeOf(loss: Definition, pred: Dense): readonly [number, number, ...number[]] {
  const { shape } = pred
  if (shape !== undefined && shape.length >= 2) return shape as [number, number, ...number[]]
  throw new LosskitShapeError(
    `${loss.name}: pred has ${extent(pred)}. It must be { data, shape: [images, classes, …] }.`,
  )
}

function requirePixels(loss: Definition, pred: Dense, labels: Dense, shape: readonly number[]): void {
  const fits = labels.shape === undefined || sameShape(labels.shape, shape)
  if (fits && labels.data.length === sizeOf(shape)) return
  throw new LosskitShapeError(
    `${loss.name}: target has ${extent(labels)}, pred has ${extent(pred)}. There must be a label for each pixel: shape ` +
      `${showShape(shape)}.`,
  )
}
