import type { LossName } from '../evaluate/catalogue.ts'
import { entryOf } from '../evaluate/catalogue.ts'
import { toFloat } from '../evaluate/convert.ts'
import { DataError, UsageError } from '../evaluate/errors.ts'
import { parseNumber } from '../evaluate/numbers.ts'
import { openNpy } from '../evaluate/sources/npy.ts'

/** More classes than any model has; a file of data given by mistake stops here. */
const mostClasses = 2 ** 24

export interface Weights {
  /** A column or file with a weight per row or prediction, for losses over elements. */
  readonly data: string | undefined
  /** One weight per class, for losses over rows. */
  readonly classes: readonly number[] | undefined
}

/** `--weight` means data to losses over elements, and a list or file of numbers to losses over classes. */
export async function readWeights(losses: readonly LossName[], text: string | undefined): Promise<Weights> {
  if (text === undefined) return { data: undefined, classes: undefined }
  const walks = new Set(losses.map(loss => entryOf(loss).walks))
  if (walks.size > 1) {
    throw new UsageError(
      `--weight means weights of classes to ${namesOf(losses, 'rows')}, and weights of rows to ` +
        `${namesOf(losses, 'elements')}. Evaluate them one after the other.`,
    )
  }
  return walks.has('rows')
    ? { data: undefined, classes: await classWeights(text) }
    : { data: text, classes: undefined }
}

async function classWeights(text: string): Promise<readonly number[]> {
  const list = text.split(',').map(part => parseNumber(part.trim()))
  if (list.every(value => value !== undefined)) return list
  if (!text.toLowerCase().endsWith('.npy')) {
    throw new UsageError(
      `--weight "${text}" must be numbers with commas between, or a .npy file: one weight per class.`,
    )
  }
  const source = await openNpy(text)
  const [{ rowShape }] = source.fields
  if (rowShape.length > 0 || source.rows > mostClasses) {
    await source.close()
    throw new DataError(`${text}: must hold one weight per class, as an array with one dimension.`)
  }
  const convert = toFloat('float64')
  const weights: number[] = []
  for await (const { columns, locate } of source) {
    for (const column of columns) {
      const { data } = convert(column, row => `${text}: ${locate(row)}`)
      for (const value of data as Float64Array) weights.push(value)
    }
  }
  return weights
}

function namesOf(losses: readonly LossName[], walks: 'rows' | 'elements'): string {
  return losses.filter(loss => entryOf(loss).walks === walks).join(', ')
}
