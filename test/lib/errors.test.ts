import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import * as losskit from '../../lib/index.ts'
import { bce, crossEntropy, type LosskitDomainError, type LosskitLabelError, mse } from '../../lib/index.ts'
import { thrown } from './thrown.ts'

const { LosskitError, LosskitShapeError } = losskit

describe('an error', () => {
  const error = thrown(() => mse([1, 2, 3, 4], [1, 2, 3]))

  it('has a class, a stable code, and says what it got and what it takes', () => {
    expect(error).toBeInstanceOf(LosskitShapeError)
    expect(error).toBeInstanceOf(LosskitError)
    expect(error).toBeInstanceOf(Error)
    expect(error.name).toBe('LosskitShapeError')
    expect(error.code).toBe('ERR_SHAPE')
    expect(error.message).toBe('mse: target has 3 elements, pred has 4. Both must have the same shape.')
  })

  it('shows its code wherever it is printed', () => {
    const line =
      'LosskitShapeError [ERR_SHAPE]: mse: target has 3 elements, pred has 4. Both must have the same shape.'
    expect(error.stack?.split('\n')[0]).toBe(line)
    expect(String(error)).toBe(line)
    expect(inspect(error)).toContain(line)
  })

  it('leads to the place of the call', () => {
    expect(error.stack).toContain('errors.test.ts')
  })
})

it('names row and label where a label names no class', () => {
  const error = thrown(() =>
    crossEntropy(
      [
        [1, 2],
        [3, 4],
      ],
      [1, 2],
    ),
  ) as LosskitLabelError
  expect(error).toMatchObject({ name: 'LosskitLabelError', code: 'ERR_LABEL', row: 1, label: 2 })
  expect(error.message).toBe(
    'crossEntropy: target[1] is 2. A class label must be from 0 to 1, or ignoreIndex, which is -100.',
  )
})

it('names element and value where the loss is not defined', () => {
  const pred = thrown(() => bce([0.5, 1.5, 2], [0, 1, 1])) as LosskitDomainError
  expect(pred).toMatchObject({ name: 'LosskitDomainError', code: 'ERR_DOMAIN', index: 1, value: 1.5 })
  expect(pred.message).toBe('bce: pred[1] is 1.5. A probability must lie in [0, 1].')
  const target = thrown(() => bce([0.5, 0.5], [0, -1]))
  expect(target.message).toBe('bce: target[1] is -1. A probability must lie in [0, 1].')
  const nan = thrown(() => bce([0.5, Number.NaN], [0, 1])) as LosskitDomainError
  expect(nan.index).toBe(1)
  expect(nan.value).toBeNaN()
})

it('comes in one class for each family of codes, all of them exported', () => {
  const classes = Object.entries(losskit).filter(([name]) => /^Losskit\w+Error$/.test(name))
  expect(classes.map(([name]) => name).sort()).toEqual([
    'LosskitBackendError',
    'LosskitBufferError',
    'LosskitDeviceError',
    'LosskitDeviceMemoryError',
    'LosskitDomainError',
    'LosskitDtypeError',
    'LosskitLabelError',
    'LosskitLoadError',
    'LosskitOptionError',
    'LosskitShapeError',
    'LosskitStateError',
  ])
  for (const [name, errorClass] of classes) {
    const { prototype } = errorClass as typeof LosskitShapeError
    expect(prototype.name).toBe(name)
    expect(prototype).toBeInstanceOf(LosskitError)
  }
})
