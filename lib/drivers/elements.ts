import type { BindingArray } from '../../binding.js'
import { slots } from '../backend/binding.ts'
import type { Definition } from '../definition.ts'
import type { Wanted } from '../outputs.ts'
import { showShape } from '../show.ts'
import { type Dtype, kindOf } from '../tensor/dtype.ts'
import type { Dense } from '../tensor/read.ts'
import type { Driver } from './driver.ts'
import { readFactor } from './factor.ts'
import { readInputs } from './inputs.ts'
import { type PlainCheck, Plains } from './plain.ts'
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
    const hasExtra = extra !== undefined && loss.extra !== undefined
    return {
      tensors: hasExtra ? [...tensors, factorOf(loss, loss.extra.name, extra, first, compute)] : tensors,
      weight: weight === undefined ? undefined : factorOf(loss, 'weight', weight, first, compute),
      rows: first.data.length,
      compute,
    }
  },

  plain(loss, wanted) {
    return loss.inputs.length === 2 ? plainPair(loss, wanted) : undefined
  },
}

function factorOf(loss: Definition, name: string, value: unknown, first: Dense, compute: Dtype): Dense {
  const shape = first.shape ?? [first.data.length]
  return readFactor(
    loss,
    name,
    value,
    () => `${loss.inputs[0]} has shape ${showShape(shape)}`,
    shape,
    compute,
  )
}

const { rows: ROWS, dtypes: DTYPES } = slots

function plainPair(loss: Definition, wanted: Wanted): PlainCheck {
  const plains = new Plains(loss, wanted, (numbers, first) => {
    numbers[DTYPES + 1] = first.code
  })
  return (first, second) => {
    const kind = kindOf(first)
    const plain = plains.of(kind)
    if (plain === undefined || kindOf(second) !== kind) return undefined
    const { length } = first as Float32Array
    if (length === 0 || (second as Float32Array).length !== length) return undefined
    plain.first = first as BindingArray
    plain.length = length
    plain.numbers[ROWS] = length
    return plain
  }
}
