import { slots } from '../backend/binding.ts'
import type { Definition } from '../definition.ts'
import { showShape } from '../show.ts'
import { type Dtype, float32, float64, kindOf } from '../tensor/dtype.ts'
import type { Dense } from '../tensor/read.ts'
import type { Driver, PlainCheck } from './driver.ts'
import { readFactor } from './factor.ts'
import { readInputs } from './inputs.ts'
import { requireSameShape } from './shapes.ts'

/** A value for each element, which depends on nothing else. */
export const elements: Driver = {
  name: 'elements',
  weighs: 'values',
  inPlace: true,

  read(loss, { weight, extra }, given) {
    const { tensors, compute } = readInputs(loss, given)
    const first = tensors[0] as Dense
    for (let i = 1; i < tensors.length; i++) requireSameShape(loss, i, tensors[i] as Dense, first)
    const shape = first.shape ?? [first.data.length]
    const what = `${loss.inputs[0]} has shape ${showShape(shape)}`
    const factor = (name: string, value: unknown) => readFactor(loss, name, value, what, shape, compute)
    const extras = extra === undefined || loss.extra === undefined ? [] : [factor(loss.extra.name, extra)]
    return {
      tensors: [...tensors, ...extras],
      weight: weight === undefined ? undefined : factor('weight', weight),
      rows: first.data.length,
      compute,
    }
  },

  plain(loss) {
    return loss.inputs.length === 2 ? plainPair(loss) : undefined
  },
}

function plainPair(loss: Definition): PlainCheck {
  const of32 = plainNumbers(loss, float32)
  const of64 = plainNumbers(loss, float64)
  return (first, second) => {
    const kind = kindOf(first)
    const numbers = kind === 'Float32Array' ? of32 : kind === 'Float64Array' ? of64 : undefined
    if (numbers === undefined || kindOf(second) !== kind) return undefined
    const { length } = first as Float32Array
    if (length === 0 || (second as Float32Array).length !== length) return undefined
    numbers[slots.rows] = length
    return numbers
  }
}

function plainNumbers(loss: Definition, dtype: Dtype): number[] {
  const numbers = loss.defaults.slice()
  numbers[slots.dtypes] = dtype.code
  numbers[slots.dtypes + 1] = dtype.code
  return numbers
}
