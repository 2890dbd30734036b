import type { Definition } from '../definition.ts'
import { LosskitShapeError } from '../errors.ts'
import { showShape } from '../show.ts'
import type { Dense } from '../tensor/read.ts'
import { sameShape } from '../tensor/shape.ts'

/** Input i must have the shape of the first; a flat array fits any shape of its length. */
export function requireSameShape(loss: Definition, i: number, tensor: Dense, first: Dense): void {
  if (tensor.data.length !== first.data.length) {
    const [name, firstName] = [loss.inputs[i], loss.inputs[0]]
    throw new LosskitShapeError(
      `${loss.name}: ${name} has ${tensor.data.length} elements, ${firstName} has ${first.data.length}. ` +
        'Both must have the same shape.',
    )
  }
  if (tensor.shape !== undefined && first.shape !== undefined && !sameShape(tensor.shape, first.shape)) {
    const [name, firstName] = [loss.inputs[i], loss.inputs[0]]
    throw new LosskitShapeError(
      `${loss.name}: ${name} has shape ${showShape(tensor.shape)}, ${firstName} has shape ${showShape(first.shape)}. ` +
        'Both must have the same shape.',
    )
  }
}

/** How large a tensor is, in words. */
export function extent({ shape, data }: Dense): string {
  return shape === undefined ? `${data.length} elements` : `shape ${showShape(shape)}`
}
