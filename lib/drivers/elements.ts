import { slots } from '../backend/binding.ts'
import type { Definition } from '../definition.ts'
import { LosskitOptionError, LosskitShapeError } from '../errors.ts'
import { showShape } from '../show.ts'
import { computeType, conform, requireFloat } from '../tensor/compute.ts'
import { type Dtype, float32, float64, kindOf } from '../tensor/dtype.ts'
import { type Dense, readTensor } from '../tensor/read.ts'
import { isSuffix, sameShape } from '../tensor/shape.ts'
import type { Driver, PlainCheck } from './driver.ts'

/** One prediction and one target for each value, which depends on nothing else. */
export const elements: Driver = {
  weighs: 'elements',

  read(loss, { weight, factor }, predGiven, targetGiven) {
    const predRead = readTensor(loss.name, loss.input, predGiven)
    const targetRead = readTensor(loss.name, 'target', targetGiven)
    requireFloat(loss.name, loss.input, predRead)
    const compute = computeType(predRead, targetRead)
    const pred = conform(loss.name, loss.input, predRead, compute)
    const target = conform(loss.name, 'target', targetRead, compute)
    requireSameShape(loss, pred, target)
    return {
      pred,
      target,
      weight: weight === undefined ? undefined : readFactor(loss, 'weight', weight, pred, compute),
      factor:
        factor === undefined ? undefined : readFactor(loss, loss.factor?.name ?? '', factor, pred, compute),
      rows: pred.data.length,
      classes: 0,
      hasLabels: false,
      compute,
    }
  },

  plain(loss): PlainCheck {
    const of32 = plainNumbers(loss, float32)
    const of64 = plainNumbers(loss, float64)
    return (pred, target) => {
      const kind = kindOf(pred)
      const numbers = kind === 'Float32Array' ? of32 : kind === 'Float64Array' ? of64 : undefined
      if (numbers === undefined || kindOf(target) !== kind) return undefined
      const { length } = pred as Float32Array
      if (length === 0 || (target as Float32Array).length !== length) return undefined
      numbers[slots.rows] = length
      return numbers
    }
  },
}

function plainNumbers(loss: Definition, dtype: Dtype): number[] {
  const numbers = loss.defaults.slice()
  numbers[slots.dtypes] = dtype.code
  numbers[slots.dtypes + 1] = dtype.code
  return numbers
}

function requireSameShape(loss: Definition, pred: Dense, target: Dense): void {
  if (pred.data.length !== target.data.length) {
    throw new LosskitShapeError(
      `${loss.name}: target has ${target.data.length} elements, ${loss.input} has ${pred.data.length}. ` +
        'Both must have the same shape.',
    )
  }
  if (pred.shape !== undefined && target.shape !== undefined && !sameShape(pred.shape, target.shape)) {
    throw new LosskitShapeError(
      `${loss.name}: target has shape ${showShape(target.shape)}, ${loss.input} has shape ${showShape(pred.shape)}. ` +
        'Both must have the same shape.',
    )
  }
}

/** Factors of the elements: as many as there are predictions, or fewer that repeat over the leading dimensions. */
function readFactor(loss: Definition, name: string, value: unknown, pred: Dense, compute: Dtype): Dense {
  if (typeof value === 'number') {
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) {
      throw new LosskitOptionError(
        `${loss.name}: ${name} is ${value}. It must be a finite number from 0 on, or a tensor.`,
      )
    }
    return conform(loss.name, name, readTensor(loss.name, name, [value]), compute)
  }
  const factor = conform(loss.name, name, readTensor(loss.name, name, value), compute)
  if (factor.shape === undefined && factor.data.length === pred.data.length) return factor
  const whole = pred.shape ?? [pred.data.length]
  const shape = factor.shape ?? [factor.data.length]
  if (!isSuffix(shape, whole)) {
    throw new LosskitShapeError(
      `${loss.name}: ${name} has shape ${showShape(shape)}, ${loss.input} has shape ${showShape(whole)}. It must have the same ` +
        `shape, or one with which that of ${loss.input} ends.`,
    )
  }
  return factor
}
