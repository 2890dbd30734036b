/** What the reference says about one value of a loss: of one element, one row, one box, one image. */

export interface Sample {
  readonly value: number
  /** For every input that has a gradient, in order: the slopes by the numbers of the sample. */
  readonly grads: readonly (readonly number[])[]
  /** What the sample adds to the divisor of the mean, if not 1. */
  readonly mass?: number
  /** What the value is divided by before the mean is taken, if not by 1. */
  readonly length?: number
  /** The sum of the terms of the value without their signs: what roundings in float64 are relative to. */
  readonly size?: number
  /** The same of the gradients. */
  readonly sizes?: readonly (readonly number[])[]
  /**
   * What errors of the gradients in the type of the inputs are relative to, where they are allowed to be larger than the
   * gradient itself has.
   */
  readonly scales?: readonly (readonly number[])[]
  /** What one rounding of a named quantity moves the value and the gradients by: a unit of rounding times these. */
  readonly moves?: { readonly value: number; readonly grads: readonly (readonly number[])[] }
}

/** One element of each input, with a gradient by each of those that have one. */
export interface Point {
  readonly value: number
  readonly grads: readonly number[]
  readonly size?: number
  readonly sizes?: readonly number[]
  readonly scales?: readonly number[]
}

export type ElementLoss = (...inputs: number[]) => Point

/** A loss of elements as one of samples of one element. */
export function ofElement(at: ElementLoss): (...inputs: number[][]) => Sample {
  const each = (numbers: readonly number[]) => numbers.map(number => [number])
  return (...inputs) => {
    const { value, grads, size, sizes, scales } = at(...inputs.map(input => input[0] as number))
    return {
      value,
      grads: each(grads),
      ...(size === undefined ? {} : { size }),
      ...(sizes === undefined ? {} : { sizes: each(sizes) }),
      ...(scales === undefined ? {} : { scales: each(scales) }),
    }
  }
}
