import type { Configuration } from '../configuration.ts'
import type { Definition } from '../definition.ts'
import type { Wanted } from '../outputs.ts'
import type { Dtype } from '../tensor/dtype.ts'
import type { Dense } from '../tensor/read.ts'
import type { PlainCheck } from './plain.ts'

/** The inputs of a call, checked against each other. The sizes are those of the frame: see `Slots` of the addon. */
export interface Inputs {
  /** As many as the kernel takes, in its order: the option that is one more input comes last. */
  readonly tensors: readonly Dense[]
  readonly weight?: Dense | undefined
  /** How many values the loss gives. */
  readonly rows: number
  readonly columns?: number | undefined
  readonly inner?: number | undefined
  readonly others?: number | undefined
  /** Whether labels are given, some of which may be ignored. */
  readonly hasLabels?: boolean | undefined
  /** The type of the arithmetic, of the values and of the accumulated sum: float32 or float64. */
  readonly compute: Dtype
}

/** One shape of data: what its inputs have to be. Its namesake in the addon walks them. */
export interface Driver {
  readonly name: string
  /** What `weight` belongs to: the values of a batch, or the classes and so to the loss; undefined where there is none. */
  readonly weighs: 'values' | 'classes' | undefined
  /** Whether a gradient may be written over its own input. */
  readonly inPlace: boolean
  read(loss: Definition, configuration: Configuration, given: readonly unknown[]): Inputs
  /** Makes the check of the commonest inputs, for calls that want the value alone, or the gradient of the first input. */
  plain?(loss: Definition, wanted: Wanted): PlainCheck | undefined
  /** In words, what the labels of a call with these numbers must be. */
  labels?(numbers: readonly number[]): string
}
