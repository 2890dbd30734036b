import type { Definition } from '../definition.ts'
import { LosskitShapeError } from '../errors.ts'
import type { Dense } from '../tensor/read.ts'
import { sizeOf } from '../tensor/shape.ts'
import type { Driver } from './driver.ts'
import { readInputs } from './inputs.ts'
import { readSampleWeights } from './samples.ts'
import { extent, requireSameShape } from './shapes.ts'

/** Boxes x1, y1, x2, y2 in the last dimension: a value for each pair. */
export const boxes: Driver = {
  name: 'boxes',
  weighs: 'values',
  inPlace: true,

  read(loss, { weight }, given) {
    const { tensors, compute } = readInputs(loss, given)
    const [pred, target] = tensors as [Dense, Dense]
    requireSameShape(loss, 1, target, pred)
    const batch = batchOf(loss, pred)
    const rows = sizeOf(batch)
    return {
      tensors,
      weight: readSampleWeights(loss, weight, batch, compute),
      rows,
      columns: 4,
      compute,
    }
  },
}

/** The dimensions before the last; a flat array holds one box after the other. */
function batchOf(loss: Definition, pred: Dense): readonly number[] {
  const { shape, data } = pred
  if (shape === undefined && data.length % 4 === 0) return [data.length / 4]
  if (shape !== undefined && shape.at(-1) === 4) return shape.length === 1 ? [1] : shape.slice(0, -1)
  throw new LosskitShapeError(
    `${loss.name}: pred has ${extent(pred)}. Boxes are x1, y1, x2, y2 in the last dimension: { data, shape: [boxes, 4] }.`,
  )
}
